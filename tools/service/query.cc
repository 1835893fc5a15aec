// Jaeger's query API over HTTP.
#include <string>
#include <utility>

#include "server/jaeger/query_api.h"
#include "service/parts.h"

namespace tracestore::tools {

Status StartQuery(Service& service) {
  server::JaegerQueryOptions query;
  query.snapshot = [store = service.shared().store] { return store->TakeSnapshot(); };
  query.observer = [&metrics = service.metrics()](std::string_view route, int status,
                                                  std::chrono::nanoseconds took) {
    metrics.Add("tracestore_query_requests_total",
                {{"route", route}, {"status", std::to_string(status)}});
    metrics.Add("tracestore_query_seconds_total", {{"route", route}},
                std::chrono::duration<double>(took).count());
  };
  return service.ServeHttp({
      .name = {"query", "Jaeger query API", "http://{}/api/services"},
      .address = service.config().query.http,
      .handler = server::MakeJaegerQueryHandler(std::move(query)),
      .refusal = server::JaegerRefusal,
  });
}

}  // namespace tracestore::tools
