// Settings by environment variables.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "service/resolve.h"

namespace tracestore::tools {

using Environment = std::vector<std::pair<std::string, std::string>>;

// The process's own.
Environment ProcessEnvironment();

// What it says of settings: TRACESTORE_ and the name in capitals with '_' for everything else; of
// names that are Jaeger's or Zipkin's the bare form too, where the other isn't set. Empty values
// say nothing; "tcp://…", what Kubernetes sets for a service called "collector", is passed over.
// `warnings` gets a sentence of each TRACESTORE_ variable that names no setting.
std::vector<Given> ReadEnvironment(const Environment& environment,
                                   std::vector<std::string>& warnings);

// A variable's value; "" without.
std::string ValueOf(const Environment& environment, std::string_view name);

}  // namespace tracestore::tools
