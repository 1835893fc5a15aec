// How long requests over HTTP take, under the name that OpenTelemetry's collector, and so Jaeger 2,
// has for it: http_server_request_duration_seconds.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "server/admin/metrics.h"

namespace tracestore::tools {

// Help; once, at start.
void DescribeHttpDuration(server::MetricRegistry& metrics);

// `route` is a pattern of a path: of a bounded set, never input.
void ObserveHttpDuration(server::MetricRegistry& metrics, std::string_view route, int status,
                         std::chrono::nanoseconds took);

// `handler`, with its requests observed until the head of their answers: those to one of `paths` by
// that, all others as "other". `metrics` is borrowed.
net::HttpHandler WithDuration(server::MetricRegistry& metrics, std::vector<std::string> paths,
                              net::HttpHandler handler);

}  // namespace tracestore::tools
