#include "service/http_duration.h"

#include <algorithm>
#include <utility>

namespace tracestore::tools {
namespace {

constexpr const char* kName = "http_server_request_duration_seconds";

}  // namespace

void DescribeHttpDuration(server::MetricRegistry& metrics) {
  metrics.Describe(kName, "Seconds until the head of an answer over HTTP, by route and status.");
  metrics.Alias(kName, "http_server_request_duration");
}

void ObserveHttpDuration(server::MetricRegistry& metrics, std::string_view route, int status,
                         std::chrono::nanoseconds took) {
  metrics.Observe(kName,
                  {{"http_response_status_code", std::to_string(status)}, {"http_route", route}},
                  std::chrono::duration<double>(took).count());
}

net::HttpHandler WithDuration(server::MetricRegistry& metrics, std::vector<std::string> paths,
                              net::HttpHandler handler) {
  return [&metrics, paths = std::move(paths),
          handler = std::move(handler)](const net::HttpRequest& request) {
    const auto begin = std::chrono::steady_clock::now();
    net::HttpResponse response = handler(request);
    const bool known = std::find(paths.begin(), paths.end(), request.path) != paths.end();
    ObserveHttpDuration(metrics, known ? std::string_view(request.path) : "other", response.status,
                        std::chrono::steady_clock::now() - begin);
    return response;
  };
}

}  // namespace tracestore::tools
