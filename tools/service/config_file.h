// The configuration file: YAML, whose nested keys are the dotted names of settings.
#pragma once
#include <tracestore/status.h>

#include <string>
#include <string_view>
#include <vector>

#include "service/resolve.h"

namespace tracestore::tools {

// Of a file; more is refused before it is read.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// `collector: {zipkin: {host-port: x}}`, `collector.zipkin.host-port: x` and any mixture give the
// name collector.zipkin.host-port. A sequence gives one value an item. What stands under the name
// of a structured setting is given as YAML. `file` is the name in places, "config.yaml:12". Errors:
// kInvalidArgument with file, line and reason: no YAML, a key twice, a sequence of maps.
Result<std::vector<Given>> ParseConfig(std::string_view text, const std::string& file);

// Errors: kIo, "cannot read config.yaml: …"; and ParseConfig's.
Result<std::vector<Given>> ReadConfigFile(const std::string& path);

}  // namespace tracestore::tools
