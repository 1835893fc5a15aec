// Zipkin's query API.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "ingest/receivers/zipkin_http.h"
#include "ingest/zipkin_counters.h"
#include "server/pages/lens_pages.h"
#include "server/zipkin/zipkin_query_api.h"
#include "service/open_beside.h"
#include "service/parts.h"
#include "service/query_access.h"
#include "service/tenants.h"
#include "service/zipkin_cors.h"

namespace tracestore::tools {
namespace {

// Zipkin's own name, which its dashboards read.
constexpr const char* kZipkinRequests = "http_server_requests_seconds";

// Longer than anybody waits.
constexpr std::chrono::milliseconds kNoTimeout = std::chrono::hours(24);

// As Zipkin's own /metrics names them.
std::vector<std::pair<std::string, double>> Counters(const ingest::ZipkinCounters& counters) {
  std::vector<std::pair<std::string, double>> out;
  for (const std::string_view transport : ingest::ZipkinCounters::kTransports) {
    const ingest::ZipkinCounts counts = counters.Of(transport);
    const auto add = [&](const std::string& name, std::uint64_t value) {
      out.emplace_back(name + "." + std::string(transport), static_cast<double>(value));
    };
    add("counter.zipkin_collector.messages", counts.messages);
    add("counter.zipkin_collector.messages_dropped", counts.messages_dropped);
    add("counter.zipkin_collector.bytes", counts.bytes);
    add("counter.zipkin_collector.spans", counts.spans);
    add("counter.zipkin_collector.spans_dropped", counts.spans_dropped);
    add("gauge.zipkin_collector.message_spans", counts.message_spans);
    add("gauge.zipkin_collector.message_bytes", counts.message_bytes);
  }
  return out;
}

server::ZipkinUiOptions UiOptionsOf(const ZipkinUiSection& config) {
  server::ZipkinUiOptions ui;
  ui.on = config.on;
  ui.environment = config.environment;
  ui.query_limit = config.query_limit;
  ui.default_lookback =
      std::chrono::duration_cast<std::chrono::milliseconds>(config.default_lookback);
  ui.logs_url = config.logs_url;
  ui.support_url = config.support_url;
  ui.archive_post_url = config.archive_post_url;
  ui.archive_url = config.archive_url;
  ui.dependencies = config.dependencies;
  ui.low_error_rate = config.low_error_rate;
  ui.high_error_rate = config.high_error_rate;
  return ui;
}

// Health, metrics and web pages.
bool IsOpen(std::string_view path) { return path.find("/api/v2/") == std::string_view::npos; }

}  // namespace

Status OpenZipkinQuery(Service& service) {
  const ZipkinQuerySection& config = service.config().zipkin.query;
  if (!config.on && service.config().role == kQuery) return {};
  server::ZipkinQueryOptions query;
  query.queries = config.on;
  // Of the whole process: with tenants nothing for those who come here.
  if (!service.config().tenancy.on) {
    query.prometheus = [&service] {
      service.Collect(service.metrics());
      return service.metrics().Text();
    };
  }
  service.metrics().DescribeHistogram(kZipkinRequests, "Requests of Zipkin's API, by route and status.",
                                      server::MetricRegistry::LatencyBounds());
  query.observer = [&metrics = service.metrics()](std::string_view told, int made,
                                                  std::chrono::nanoseconds took) {
    CountAnswer(made, [&metrics, route = std::string(told), took](int status) {
      metrics.Add("tracestore_query_requests_total",
                  {{"route", route}, {"status", std::to_string(status)}});
      const double seconds = std::chrono::duration<double>(took).count();
      metrics.Add("tracestore_query_seconds_total", {{"route", route}}, seconds);
      metrics.Observe(kZipkinRequests,
                      {{"method", "GET"}, {"status", std::to_string(status)}, {"uri", route}},
                      seconds);
    });
  };
  if (const auto* counters = service.shared().zipkin_counters)
    query.counters = [counters] { return Counters(*counters); };
  query.search_enabled = config.search;
  query.strict_trace_id = config.strict_trace_id;
  query.autocomplete_keys = config.autocomplete_keys;
  query.timeout = config.timeout.count() == 0
                      ? kNoTimeout
                      : std::chrono::duration_cast<std::chrono::milliseconds>(config.timeout);
  query.lookback = std::chrono::duration_cast<std::chrono::milliseconds>(config.lookback);
  query.ui = UiOptionsOf(service.config().zipkin.ui);
  net::HttpHandler reads = PerTenant(service, [query](const TenantView& view) {
    server::ZipkinQueryOptions own = query;
    own.snapshot = [view] { return view.Take(); };
    return server::MakeZipkinQueryHandler(std::move(own));
  });
  const ZipkinUiSection& ui = service.config().zipkin.ui;
  if (config.on && ui.on && !ui.lens.empty()) {
    TS_TRY_ASSIGN(auto lens, server::ReadLens(ui.lens));
    reads = server::MakeLensHandler(std::move(lens), ui.base_path, std::move(reads),
                                    query.observer);
    service.Show("Zipkin's web pages", ui.lens);
  }
  const char* const listener = service.config().role == kQuery ? "query_zipkin" : "zipkin";
  service.shared().zipkin_reads = OpenBeside(
      IsOpen, reads,
      service.shared().query_access->Http(listener, reads, ingest::ZipkinHttpRefusal));
  return {};
}

Status StartZipkinQuery(Service& service) {
  if (!service.shared().zipkin_reads) return {};
  return service.ServeHttp({
      .name = {"query_zipkin", "Zipkin's query API", "http://{}/api/v2/services"},
      .address = service.config().query.zipkin,
      .handler = service.shared().zipkin_reads,
      .refusal = ingest::ZipkinHttpRefusal,
      .worker_threads = service.config().query.workers,
      .cors = ZipkinCors(service.config().zipkin),
  });
}

net::CorsOptions ZipkinCors(const ZipkinSection& config) {
  std::string headers = "content-type,x-grpc-web";
  for (const std::string& header : config.allowed_headers) headers += "," + header;
  return {.origins = config.allowed_origins,
          .methods = "GET,POST",
          .headers = std::move(headers),
          .preflight_status = 200};
}

}  // namespace tracestore::tools
