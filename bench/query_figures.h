// What queries of a store take, printed.
#pragma once
#include <cstddef>
#include <string>

#include <tracestore/status.h>

namespace tracestore::bench {

// Latencies of one process, warm, and cold in new ones.
Status Queries(const std::string& directory);
// Makes a store of one trace of so many spans: its summary, and single subtrees.
Status Huge(std::size_t spans, const std::string& directory);

}  // namespace tracestore::bench
