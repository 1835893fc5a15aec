#include "service/query_counts.h"

#include <string>

#include "net/grpc_reply.h"
#include "service/jaeger_metrics.h"
#include "service/query_access.h"

namespace tracestore::tools {
namespace {

// `failed`: whether a status is the service's own failure.
server::RequestObserver CountedBy(server::MetricRegistry& metrics, bool (*failed)(int status)) {
  return [&metrics, failed](std::string_view told, int made, std::chrono::nanoseconds took) {
    CountAnswer(made, [&metrics, failed, route = std::string(told), took](int status) {
      metrics.Add("tracestore_query_requests_total",
                  {{"route", route}, {"status", std::to_string(status)}});
      metrics.Add("tracestore_query_seconds_total", {{"route", route}},
                  std::chrono::duration<double>(took).count());
      CountJaegerQuery(metrics, route, !failed(status), took);
    });
  };
}

bool HttpFailed(int status) { return status >= 500; }

bool GrpcFailed(int code) {
  switch (static_cast<net::GrpcCode>(code)) {
    case net::GrpcCode::kOk:
    case net::GrpcCode::kCancelled:
    case net::GrpcCode::kInvalidArgument:
    case net::GrpcCode::kNotFound: return false;
    default: return true;
  }
}

}  // namespace

server::RequestObserver CountedOverHttp(server::MetricRegistry& metrics) {
  return CountedBy(metrics, HttpFailed);
}
server::RequestObserver CountedOverGrpc(server::MetricRegistry& metrics) {
  return CountedBy(metrics, GrpcFailed);
}

}  // namespace tracestore::tools
