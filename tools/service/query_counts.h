// How answers of the query services are counted.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "server/admin/metrics.h"
#include "server/jaeger/query_api.h"

namespace tracestore::tools {

// As server::JaegerQueryOptions has them.
struct QueryCounts {
  server::RequestObserver requests;
  std::function<void(std::string_view operation, std::uint64_t results)> results;
};

// The registry must outlive them.
QueryCounts CountedOverHttp(server::MetricRegistry& metrics);
QueryCounts CountedOverGrpc(server::MetricRegistry& metrics);

}  // namespace tracestore::tools
