#include "service/query_counts.h"

#include <string>

#include "net/grpc_reply.h"
#include "service/http_duration.h"
#include "service/jaeger_metrics.h"
#include "service/query_access.h"

namespace tracestore::tools {
namespace {

enum class Over : std::uint8_t { kHttp, kGrpc };

// Whether a status is the service's own failure.
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

server::RequestObserver Requests(server::MetricRegistry& metrics, Over over) {
  return [&metrics, over](std::string_view told, int made, std::chrono::nanoseconds took) {
    CountAnswer(made, [&metrics, over, route = std::string(told), took](int status) {
      metrics.Add("tracestore_query_requests_total",
                  {{"route", route}, {"status", std::to_string(status)}});
      metrics.Add("tracestore_query_seconds_total", {{"route", route}},
                  std::chrono::duration<double>(took).count());
      const bool failed = over == Over::kHttp ? HttpFailed(status) : GrpcFailed(status);
      CountJaegerQuery(metrics, route, !failed, took);
      if (over == Over::kHttp) ObserveHttpDuration(metrics, route, status, took);
    });
  };
}

QueryCounts CountedOver(server::MetricRegistry& metrics, Over over) {
  return {Requests(metrics, over), [&metrics](std::string_view operation, std::uint64_t results) {
            CountJaegerResults(metrics, operation, results);
          }};
}

}  // namespace

QueryCounts CountedOverHttp(server::MetricRegistry& metrics) {
  return CountedOver(metrics, Over::kHttp);
}
QueryCounts CountedOverGrpc(server::MetricRegistry& metrics) {
  return CountedOver(metrics, Over::kGrpc);
}

}  // namespace tracestore::tools
