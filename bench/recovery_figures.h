// What opening a store takes: one that was closed, and one whose writer was killed. Printed.
#pragma once
#include <string>

#include <tracestore/status.h>

namespace tracestore::bench {

// From the call of Open to the first answer, each time in a new process, cold and warm. The store
// has to be closed: a reader and a writer open it in turn.
Status Opening(const std::string& directory);

// Appends a file of requests in a process that is killed before anything is sealed, and opens what
// it left. `directory` is made anew.
Status Replay(const std::string& requests, const std::string& directory);

}  // namespace tracestore::bench
