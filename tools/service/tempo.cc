// Grafana Tempo's query API.
#include <chrono>
#include <string>
#include <utility>

#include "server/tempo/tempo_api.h"
#include "service/open_beside.h"
#include "service/parts.h"
#include "service/query_access.h"
#include "service/tenants.h"

namespace tracestore::tools {
namespace {

server::TempoQueryOptions OptionsOf(Service& service) {
  server::TempoQueryOptions options;
  options.observer = [&metrics = service.metrics()](std::string_view route, int made,
                                                    std::chrono::nanoseconds took) {
    // Jaeger has some of the same paths.
    CountAnswer(made, [&metrics, shown = "tempo " + std::string(route), took](int status) {
      metrics.Add("tracestore_query_requests_total",
                  {{"route", shown}, {"status", std::to_string(status)}});
      metrics.Add("tracestore_query_seconds_total", {{"route", shown}},
                  std::chrono::duration<double>(took).count());
    });
  };
  options.ready = [&health = service.health()] { return health.Answer().status == 200; };
  // Of the whole process: with tenants nothing for those who come here.
  if (!service.config().tenancy.on) {
    options.metrics = [&service] {
      service.Collect(service.metrics());
      return service.metrics().Text();
    };
  }
  options.timeout =
      std::chrono::duration_cast<std::chrono::milliseconds>(service.config().tempo.timeout);
  return options;
}

}  // namespace

Status StartTempo(Service& service) {
  const net::HttpHandler handler =
      PerTenant(service, [base = OptionsOf(service)](const TenantView& view) {
        server::TempoQueryOptions options = base;
        options.snapshot = [view] { return view.Take(); };
        return server::MakeTempoQueryHandler(std::move(options));
      });
  return service.ServeHttp({
      .name = {"tempo", "Tempo query API", "http://{}/api/search"},
      .address = service.config().tempo.http,
      .handler = OpenBeside(
          server::IsTempoOpen, handler,
          service.shared().query_access->Http("tempo", handler, server::TempoRefusal)),
      .refusal = server::TempoRefusal,
      .worker_threads = service.config().query.workers,
  });
}

}  // namespace tracestore::tools
