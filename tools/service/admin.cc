// The admin listener: health, metrics, version.
#include <utility>

#include "server/admin/admin_api.h"
#include "service/http_duration.h"
#include "service/jaeger_metrics.h"
#include "service/metrics.h"
#include "service/otelcol_metrics.h"
#include "service/parts.h"
#include "service/process_metrics.h"

namespace tracestore::tools {

Status StartAdmin(Service& service) {
  DescribeMetrics(service.metrics());
  DescribeJaegerMetrics(service.metrics());
  DescribeOtelcolMetrics(service.metrics());
  DescribeHttpDuration(service.metrics());
  DescribeProcess(service.metrics());
  service.OnCollect(CollectProcess);
  SetJaegerBuildInfo(service.metrics());
  service.metrics().Set("tracestore_build_info", {{"version", server::Version()}}, 1);
  server::AdminOptions admin;
  admin.health = &service.health();
  admin.metrics = &service.metrics();
  admin.metrics_route = service.config().admin.metrics_route;
  admin.collect = [&service](server::MetricRegistry& metrics) { service.Collect(metrics); };
  return service.ServeHttp({
      .name = {"admin", "health, metrics", "http://{}" + service.config().admin.metrics_route},
      .address = service.config().admin.http,
      .handler = server::MakeAdminHandler(std::move(admin)),
      .refusal = {},
      .worker_threads = 1,
  });
}

}  // namespace tracestore::tools
