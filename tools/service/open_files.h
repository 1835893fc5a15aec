// How many files and sockets a service may have open.
#pragma once

namespace tracestore::tools {

// Raises the limit to what the system lets the process have: a shell's or systemd's usual 1,024 is
// less than the connections that listeners are set to take. Before the process's threads begin.
void RaiseOpenFilesLimit();

}  // namespace tracestore::tools
