// Zipkin's query API.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ingest/zipkin_counters.h"
#include "server/zipkin/zipkin_query_api.h"
#include "service/parts.h"
#include "service/tenants.h"

namespace tracestore::tools {
namespace {

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

}  // namespace

Status OpenZipkinQuery(Service& service) {
  const ZipkinQuerySection& config = service.config().zipkin.query;
  if (!config.on) return {};
  server::ZipkinQueryOptions query;
  query.observer = [&metrics = service.metrics()](std::string_view route, int status,
                                                  std::chrono::nanoseconds took) {
    metrics.Add("tracestore_query_requests_total",
                {{"route", route}, {"status", std::to_string(status)}});
    metrics.Add("tracestore_query_seconds_total", {{"route", route}},
                std::chrono::duration<double>(took).count());
  };
  query.counters = [counters = service.shared().zipkin_counters] { return Counters(*counters); };
  query.search_enabled = config.search;
  query.strict_trace_id = config.strict_trace_id;
  query.autocomplete_keys = config.autocomplete_keys;
  query.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(config.timeout);
  query.lookback = std::chrono::duration_cast<std::chrono::milliseconds>(config.lookback);
  service.shared().zipkin_reads = PerTenant(service, [query](const TenantView& view) {
    server::ZipkinQueryOptions own = query;
    own.snapshot = [view] { return view.Take(); };
    return server::MakeZipkinQueryHandler(std::move(own));
  });
  return {};
}

}  // namespace tracestore::tools
