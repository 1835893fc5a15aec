// What the settings must say together, beyond what each says alone.
#pragma once
#include <tracestore/status.h>

#include "service/resolve.h"

namespace tracestore::tools {

// Errors: kInvalidArgument or, of a storage that isn't built, kUnsupported; one sentence with
// where.
Status CheckConfig(Role role, const Resolved& resolved);

}  // namespace tracestore::tools
