// Any text as a service's configuration file, as lines of flags (name=value) and as an environment:
// refused with a sentence, or a configuration that prints and reads back the same. The text's
// length chooses the role: nearest names are looked for among hundreds, all roles would cost a
// tenth of a second.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "service/check.h"
#include "service/config_file.h"
#include "service/environment.h"
#include "service/pipeline_config.h"
#include "service/print_config.h"
#include "service/resolve.h"
#include "service/settings.h"

using namespace tracestore;
using namespace tracestore::tools;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

std::vector<Given> Lines(std::string_view text) {
  std::vector<Given> flags;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string name = line.substr(0, equals);
    flags.push_back({name, line.substr(std::min(equals + 1, line.size())), "--" + name});
  }
  return flags;
}

// What stands in the file as YAML is the policies' target's to look at.
bool Comparable(const Setting& setting) { return !setting.secret && !IsStructured(setting); }

void TryPrinted(Role role, Resolved resolved) {
  for (const Setting& setting : Settings())
    if (!Comparable(setting)) ClearValue(setting, resolved.config);
  const auto given = ParseConfig(PrintConfig(role, resolved), "printed");
  Check(given.has_value());
  const auto again = Resolve(role, {.file = *given});
  Check(again.has_value());
  for (const Setting& setting : Settings()) {
    if (!Comparable(setting) || (setting.roles & role) == 0) continue;
    Check(ValuesOf(setting, again->config) == ValuesOf(setting, resolved.config));
  }
}

void TrySources(Role role, const Sources& sources, bool utf8) {
  const auto resolved = Resolve(role, sources);
  if (!resolved.has_value()) {
    Check(resolved.error().code() == ErrorCode::kInvalidArgument);
    Check(!resolved.error().message().empty());
    return;
  }
  (void)CheckConfig(role, *resolved);
  (void)TagsOf(resolved->config.pipeline, {{"HOME", "/"}});
  if (utf8) TryPrinted(role, *resolved);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Role role = kRoles[size % std::size(kRoles)];
  // A reader of YAML makes valid UTF-8 of anything; flags are what they are.
  const auto file = ParseConfig(text, "file");
  if (file.has_value()) TrySources(role, {.file = *file}, true);
  const std::vector<Given> flags = Lines(text);
  TrySources(role, {.flags = flags}, false);
  Environment environment;
  for (const Given& flag : flags) environment.emplace_back(flag.name, flag.value);
  std::vector<std::string> warnings;
  TrySources(role, {.environment = ReadEnvironment(environment, warnings)}, false);
  return 0;
}
