#include "service/environment.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "service/name_rank.h"
#include "suggest.h"

namespace tracestore::tools {
namespace {

constexpr std::string_view kPrefix = "TRACESTORE_";

// Variables that other programs of the project read, and the two that name no setting.
constexpr std::string_view kOthers[] = {"TRACESTORE_CONFIG", "TRACESTORE_WRITE_DOCS"};

// Each variable that counts, in the order of precedence for one setting.
struct Variable {
  std::string variable;
  std::string name;
};

std::vector<Variable> Variables() {
  std::vector<Variable> variables;
  const auto add = [&](std::string variable, std::string_view name) {
    variables.push_back({std::move(variable), std::string(name)});
  };
  for (const Setting& setting : Settings()) {
    const std::string bare = EnvironmentName(setting.name);
    add(std::string(kPrefix) + bare, setting.name);
    if (setting.jaegers) add(bare, setting.name);
  }
  for (const OtherName& other : OtherNames()) {
    if (other.environment_only) {
      add(std::string(other.name), other.name);
      continue;
    }
    const std::string bare = EnvironmentName(other.name);
    add(std::string(kPrefix) + bare, other.name);
    if (other.jaegers) add(bare, other.name);
  }
  for (const Ignored& ignored : IgnoredNames()) {
    add(ignored.environment_only ? std::string(ignored.name) : EnvironmentName(ignored.name),
        ignored.name);
  }
  return variables;
}

std::string_view SettingOf(std::string_view name) {
  for (const OtherName& other : OtherNames()) {
    if (other.name == name) return other.setting;
  }
  return name;
}

// By Jaeger's choice, but no name of ours is beaten.
bool Beats(const Given& given, const Given& before) {
  if (before.where.starts_with(kPrefix)) return false;
  for (const OtherName& other : OtherNames()) {
    const bool zero = given.value == "0" || given.value == ":0";
    if (other.name == given.name && other.rule == Rule::kZeroIsUnset && zero) return false;
  }
  return Prevails(given, before).value_or(false);
}

// COLLECTOR_PORT is Zipkin's port of Scribe where that is on, else a port of Jaeger's.
void MoveScribePort(std::map<std::string, std::string>& values) {
  auto on = values.find("COLLECTOR_SCRIBE_ENABLED");
  if (on == values.end()) on = values.find("SCRIBE_ENABLED");
  const auto port = values.find("COLLECTOR_PORT");
  if (on == values.end() || port == values.end()) return;
  if (SwitchOf(on->second) != true) return;
  values.emplace("TRACESTORE_COLLECTOR_SCRIBE_HOST_PORT", port->second);
  values.erase(port);
}

}  // namespace

Environment ProcessEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

std::string ValueOf(const Environment& environment, std::string_view name) {
  for (const auto& [variable, value] : environment) {
    if (variable == name) return value;
  }
  return "";
}

std::vector<Given> ReadEnvironment(const Environment& environment,
                                   std::vector<std::string>& warnings) {
  std::map<std::string, std::string> values;
  for (const auto& [variable, value] : environment) {
    if (!value.empty() && !value.starts_with("tcp://")) values[variable] = value;
  }
  MoveScribePort(values);
  std::vector<Given> given;
  std::vector<std::string> known(std::begin(kOthers), std::end(kOthers));
  std::map<std::string_view, std::size_t> settled;  // setting to its place in `given`
  std::set<std::string_view> used;                  // variables: two names may share one
  const std::vector<Variable> variables = Variables();
  for (const Variable& variable : variables) {
    known.push_back(variable.variable);
    const auto found = values.find(variable.variable);
    if (found == values.end() || !used.insert(found->first).second) continue;
    Given next{variable.name, found->second, variable.variable};
    const auto [at, first] = settled.emplace(SettingOf(variable.name), given.size());
    if (first) {
      given.push_back(std::move(next));
    } else if (Given& before = given[at->second]; Beats(next, before)) {
      warnings.push_back(before.where + " has no effect: " + next.where + " says it");
      before = std::move(next);
    }
  }
  for (const auto& [variable, value] : values) {
    if (variable.starts_with(kPrefix) &&
        std::find(known.begin(), known.end(), variable) == known.end()) {
      warnings.push_back(variable + " names no setting" + DidYouMean(variable, known));
    }
  }
  return given;
}

}  // namespace tracestore::tools
