// What the settings must say together, beyond what each says alone.
#pragma once
#include <tracestore/status.h>

#include "service/resolve.h"

namespace tracestore::tools {

// Errors: kInvalidArgument or, of a storage that isn't built, kUnsupported; one sentence with
// where.
Status CheckConfig(Role role, const Resolved& resolved);

// What was said and has no effect without a switch that wasn't: files of TLS, names of tenants. A
// sentence each; Jaeger up to 1.19 passes over it, too.
std::vector<std::string> UnheededSettings(const Resolved& resolved);

}  // namespace tracestore::tools
