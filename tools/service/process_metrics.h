// What the kernel says of this process, by the names that Prometheus' clients and Zipkin give it.
#pragma once
#include "server/admin/metrics.h"

namespace tracestore::tools {

// Help lines; once, at start.
void DescribeProcess(server::MetricRegistry& metrics);

// Sets them anew, from /proc/self; what can't be read there is left as it was. Any thread.
void CollectProcess(server::MetricRegistry& metrics);

}  // namespace tracestore::tools
