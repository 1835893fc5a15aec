// What benchmarks of queries ask a store for: some of what stands in it.
#pragma once
#include <tracestore/store.h>

#include <string>
#include <utility>
#include <vector>

namespace tracestore::bench {

struct QuerySample {
  std::vector<TraceId> ids;       // traces of 30 to 80 spans where there are such
  std::vector<std::pair<std::string, std::string>> operations;  // service, operation
  std::vector<std::pair<std::string, std::string>> rare;        // service, unique value
};

// The attribute whose values occur once.
inline constexpr const char* kRareKey = "messaging.message_id";

// The same for the same store. Ends the program where it can't be read.
QuerySample TakeSample(const Store& store);

}  // namespace tracestore::bench
