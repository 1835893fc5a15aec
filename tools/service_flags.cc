#include "service_flags.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <utility>

#include "base/try.h"
#include "service/check.h"
#include "service/config_file.h"
#include "service/environment.h"

namespace tracestore::tools {
namespace {

std::string DefaultText(const Setting& setting, const ServiceConfig& defaults) {
  std::string text;
  for (const std::string& value : ValuesOf(setting, defaults)) {
    text += (text.empty() ? "" : ",") + value;
  }
  return text;
}

// Flags that Jaeger's service has without a use for them here; Resolve says that they have no effect.
// Its all-in-one has those of its agent, its query those of its storage for writing.
bool HasNoPart(const Setting& setting, Role role) {
  if (!setting.jaegers || (setting.roles & role) != 0) return false;
  return role == kAllInOne || (role == kQuery && setting.name == "downsampling.ratio");
}

}  // namespace

void ServiceFlags::AddTo(CLI::App& app, Role role) {
  role_ = role;
  app.add_option("--config,--config-file", config_file_,
                 "YAML file of settings; flags and environment beat it")
      ->type_name("FILE")
      ->group("Configuration");
  app.add_flag("--print-config", print_config_,
               "Print what flags, environment and file come to, as YAML, and end")
      ->group("Configuration");
  const ServiceConfig defaults = DefaultsOf(role);
  for (const Setting& setting : Settings()) {
    if ((setting.roles & role) == 0) continue;
    Add(app, setting.name, IsSwitch(setting), std::string(setting.help),
        std::string(setting.group));
    flags_.back().option->type_name(TypeName(setting))->default_str(DefaultText(setting, defaults));
  }
  AddOthers(app);
}

void ServiceFlags::AddOthers(CLI::App& app) {
  for (const Setting& setting : Settings()) {
    if (HasNoPart(setting, role_)) Add(app, setting.name, IsSwitch(setting), "", "");
  }
  for (const OtherName& other : OtherNames()) {
    const Setting* setting = FindSetting(other.setting);
    if (other.environment_only || setting == nullptr) continue;
    if ((setting->roles & role_) == 0 && !HasNoPart(*setting, role_)) continue;
    const bool is_switch = IsSwitch(*setting) || other.rule == Rule::kFalseIsOff;
    Add(app, other.name, is_switch, "", "");
  }
  for (const Ignored& ignored : IgnoredNames()) {
    if (!ignored.environment_only) Add(app, ignored.name, ignored.is_switch, "", "");
  }
}

void ServiceFlags::Add(CLI::App& app, std::string_view name, bool is_switch,
                       const std::string& help, const std::string& group) {
  const std::string flag = "--" + std::string(name);
  CLI::Option* option = is_switch ? app.add_flag(flag, help)
                                  : app.add_option(flag, help)->take_all()->allow_extra_args(false);
  option->group(group);
  flags_.push_back({std::string(name), option});
}

std::vector<Given> ServiceFlags::GivenFlags() const {
  std::vector<Given> given;
  for (const Flag& flag : flags_) {
    const std::vector<std::string> values = flag.option->results();
    const Setting* setting = FindSetting(flag.name);
    const bool list = setting != nullptr && IsList(*setting);
    // The last one counts, but of a list all.
    for (std::size_t i = list || values.empty() ? 0 : values.size() - 1; i < values.size(); ++i) {
      given.push_back({flag.name, values[i], "--" + flag.name});
    }
  }
  return given;
}

Result<Resolved> ServiceFlags::Read() const {
  const Environment environment = ProcessEnvironment();
  std::vector<std::string> warnings;
  Sources sources;
  sources.flags = GivenFlags();
  sources.environment = ReadEnvironment(environment, warnings);
  std::string file = config_file_;
  for (const char* variable : {"TRACESTORE_CONFIG", "CONFIG_FILE"}) {
    if (file.empty()) file = ValueOf(environment, variable);
  }
  if (!file.empty()) {
    TS_TRY_ASSIGN(sources.file, ReadConfigFile(file));
  }
  TS_TRY_ASSIGN(Resolved resolved, Resolve(role_, sources));
  TS_TRY(CheckConfig(role_, resolved));
  resolved.warnings.insert(resolved.warnings.end(), warnings.begin(), warnings.end());
  const std::vector<std::string> unheeded = UnheededSettings(resolved);
  resolved.warnings.insert(resolved.warnings.end(), unheeded.begin(), unheeded.end());
  return resolved;
}

}  // namespace tracestore::tools
