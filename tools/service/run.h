// Runs a service until it is told to stop.
#pragma once
#include <vector>

#include "service/parts.h"
#include "service/resolve.h"

namespace tracestore::tools {

// Logs the warnings and serves until SIGTERM or SIGINT, then finishes what was begun, closes the
// store and gives the exit code (exit_codes.h). A second signal ends the process at once. To be
// called from the thread that main() runs on, before it starts others.
int RunService(const Resolved& resolved, const std::vector<Part>& parts);

}  // namespace tracestore::tools
