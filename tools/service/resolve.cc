#include "service/resolve.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/try.h"
#include "service/name_rank.h"
#include "service/spring_duration.h"
#include "suggest.h"

namespace tracestore::tools {
namespace {

// A name as it was given, and what it stands for; nothing is set where it stands for nothing.
struct Meaning {
  const Setting* setting = nullptr;
  Rule rule = Rule::kSame;
  const Ignored* ignored = nullptr;
};

Meaning MeaningOf(std::string_view name) {
  if (const Setting* setting = FindSetting(name)) return {setting, Rule::kSame, nullptr};
  for (const OtherName& other : OtherNames()) {
    if (other.name == name) return {FindSetting(other.setting), other.rule, nullptr};
  }
  for (const Ignored& ignored : IgnoredNames()) {
    if (ignored.name == name) return {nullptr, Rule::kSame, &ignored};
  }
  return {};
}

Error Unknown(const Given& given) {
  std::vector<std::string> names;
  for (const Setting& setting : Settings()) names.emplace_back(setting.name);
  for (const OtherName& other : OtherNames()) names.emplace_back(other.name);
  return {ErrorCode::kInvalidArgument,
          given.where + ": unknown setting '" + given.name + "'" + DidYouMean(given.name, names)};
}

// Zipkin's are Java's: more of them, and in capitals, as Jaeger takes its own too.
std::string LogLevel(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (value == "trace" || value == "all") return "debug";
  if (value == "off") return "fatal";
  return value;
}

// The text that the setting itself takes; "" for none.
std::string Translated(Rule rule, const std::string& value) {
  const bool zero = value == "0" || value == ":0";
  switch (rule) {
    case Rule::kSame:
    case Rule::kEmptyIsUnset: return value;
    case Rule::kZeroIsUnset: return zero ? "" : value;
    case Rule::kZeroIsOff: return zero ? "off" : value;
    case Rule::kFalseIsOff: {
      const std::optional<bool> on = SwitchOf(value);
      return on.has_value() ? (*on ? "on" : "off") : value;  // no word of a switch: refused later
    }
    case Rule::kMilliseconds: {
      const bool bare = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
      return bare ? value + "ms" : value;
    }
    case Rule::kSpringDuration: return FromSpringDuration(value);
    case Rule::kLogLevel: return LogLevel(value);
  }
  return value;
}

// Of Jaeger's UDP ports: 0 is its default, as builder.go has it.
bool IsUdpBound(std::string_view name) {
  return name.starts_with("processor.") &&
         (name.ends_with(".server-max-packet-size") || name.ends_with(".server-queue-size"));
}

// Jaeger's own ":0" says off where the listener is off by default.
Rule RuleOf(const Meaning& meaning, const Given& given) {
  if (IsUdpBound(meaning.setting->name)) return Rule::kZeroIsUnset;
  if (meaning.setting->name == "collector.zipkin.host-port" && given.value == ":0") {
    return Rule::kZeroIsOff;
  }
  if (meaning.setting->name == "log-level") return Rule::kLogLevel;
  return meaning.rule;
}

// One line of the log, however much one file says to other services.
constexpr std::size_t kNamesShown = 8;

std::string PassedOver(std::string_view file, const std::vector<std::string>& names) {
  std::string text = std::string(file);
  text += " says what another service would take, without effect on this one: ";
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesShown)
    text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

// Jaeger's collectors have no reporter: where one environment serves them and their agents, its
// names are the agents'. Ours say it to both.
std::vector<Given> ForRole(Role role, std::vector<Given> environment) {
  if (role != kCollector) return environment;
  std::erase_if(environment, [](const Given& given) {
    const Setting* const setting = MeaningOf(given.name).setting;
    return setting != nullptr && setting->name.starts_with("reporter.") &&
           !given.where.starts_with("TRACESTORE_");
  });
  return environment;
}

class Resolver {
 public:
  explicit Resolver(Role role) : role_(role) { resolved_.config = DefaultsOf(role); }

  // What a file says to other services is told in one line; the environment is everybody's.
  Status TakeFile(const std::vector<Given>& source) {
    TS_TRY(Take(source));
    std::vector<std::string> names;
    for (const Given& given : source) {
      const Setting* const setting = MeaningOf(given.name).setting;
      const bool other = setting != nullptr && (setting->roles & role_) == 0;
      if (other && (names.empty() || names.back() != given.name)) names.push_back(given.name);
    }
    if (names.empty()) return {};
    const std::string& where = source.front().where;
    Warn(PassedOver(where.substr(0, where.rfind(':')), names));
    return {};
  }

  // One source; the stronger ones come later.
  Status Take(const std::vector<Given>& source) {
    std::map<const Setting*, const Given*> seen;
    for (const Given& given : source) {
      const Meaning meaning = MeaningOf(given.name);
      if (meaning.ignored != nullptr) {
        Warn(given.where + " has no effect: " + std::string(meaning.ignored->why));
        continue;
      }
      if (meaning.setting == nullptr) return Unknown(given);
      if ((meaning.setting->roles & role_) == 0) {
        if (given.where.starts_with("--")) {
          Warn(given.where + " has no effect: " + RoleName(role_) + " has no such part");
        }
        continue;
      }
      TS_TRY(Set(*meaning.setting, RuleOf(meaning, given), given, seen));
    }
    return {};
  }

  Resolved Done() {
    // As Jaeger's agents: their flags are older than reporter.type.
    ForwardSection& forward = resolved_.config.forward;
    if (role_ == kAgent && forward.type == "grpc" && forward.grpc_collectors.empty() &&
        !forward.tchannel_collectors.empty()) {
      forward.type = "tchannel";
    }
    const auto data = resolved_.origins.find("data");
    // What --print-config wrote says the empty one.
    const bool stores = data != resolved_.origins.end() && !resolved_.config.store.data.empty();
    if (role_ == kCollector && forward.on() && stores) {
      Warn(data->second + " has no effect: spans are sent on, as reporter.type says");
    }
    return std::move(resolved_);
  }

 private:
  Status Set(const Setting& setting, Rule rule, const Given& given,
             std::map<const Setting*, const Given*>& seen) {
    const std::string value = Translated(rule, given.value);
    if (value.empty() && rule != Rule::kSame) return {};
    const auto [at, first] = seen.emplace(&setting, &given);
    const Given& before = *at->second;
    const bool other_name = before.name != given.name;
    if (other_name) {
      const std::optional<bool> prevails = Prevails(given, before);
      if (!prevails.has_value()) {
        return Error(ErrorCode::kInvalidArgument,
                     before.where + " and " + given.where + " are one setting: give one of them");
      }
      const bool weaker = !*prevails;
      Warn((weaker ? given : before).where + " has no effect: " + (weaker ? before : given).where +
           " says it");
      if (weaker) return {};
      at->second = &given;
    }
    if (first || other_name) ClearValue(setting, resolved_.config);
    if (const Status set = SetValue(setting, value, resolved_.config); !set.has_value()) {
      // Of PT48H the sentence says "172800s".
      const bool said_otherwise = rule == Rule::kSpringDuration && value != given.value;
      return Error(set.error().code(), given.where + ": " + set.error().message() +
                                           (said_otherwise ? " (" + given.value + ")" : ""));
    }
    resolved_.origins[std::string(setting.name)] = given.where;
    if (const auto* structured = std::get_if<StructuredText& (*)(ServiceConfig&)>(&setting.field)) {
      (*structured)(resolved_.config).where = given.where;
    }
    return {};
  }

  void Warn(std::string text) {
    if (told_.insert(text).second) resolved_.warnings.push_back(std::move(text));
  }

  const Role role_;
  Resolved resolved_;
  std::set<std::string> told_;
};

}  // namespace

Result<Resolved> Resolve(Role role, const Sources& sources) {
  Resolver resolver(role);
  TS_TRY(resolver.TakeFile(sources.file));
  TS_TRY(resolver.Take(ForRole(role, sources.environment)));
  TS_TRY(resolver.Take(sources.flags));
  return resolver.Done();
}

}  // namespace tracestore::tools
