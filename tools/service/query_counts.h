// How answers of the query services are counted.
#pragma once
#include "server/admin/metrics.h"
#include "server/jaeger/query_api.h"

namespace tracestore::tools {

// The registry must outlive them.
server::RequestObserver CountedOverHttp(server::MetricRegistry& metrics);
server::RequestObserver CountedOverGrpc(server::MetricRegistry& metrics);

}  // namespace tracestore::tools
