#include "service/jaeger_metrics.h"

#include <unistd.h>

#include <utility>

#include "server/admin/admin_api.h"

namespace tracestore::tools {
namespace {

const std::string& HostName() {
  static const std::string kName = [] {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "unknown";
  }();
  return kName;
}

// Jaeger's words for formats and transports.
std::string_view FormatOf(std::string_view format) {
  if (format.starts_with("zipkin")) return "zipkin";
  if (format == ingest::format::kJaegerThrift) return "jaeger";
  if (format == ingest::format::kJaegerProto) return "proto";
  return format.starts_with("otlp") ? "otlp" : "unknown";
}

server::MetricLabels SpanLabels(const char* debug, const ingest::IntakeSource& source,
                                std::string_view service) {
  return {{"debug", debug},
          {"format", FormatOf(source.format)},
          {"svc", service},
          {"transport", source.transport}};
}

server::MetricLabels TraceLabels(const char* debug, const ingest::IntakeSource& source,
                                 std::string_view service, const char* sampler) {
  return {{"debug", debug},
          {"format", FormatOf(source.format)},
          {"sampler_type", sampler},
          {"svc", service},
          {"transport", source.transport}};
}

const char* DebugOf(std::size_t debug) { return debug == 0 ? "false" : "true"; }
const char* ResultOf(bool kept) { return kept ? "ok" : "err"; }

// A route of the query API as the operation of Jaeger's storage that answers it; "" for others.
std::string_view OperationOf(std::string_view route) {
  static constexpr std::pair<std::string_view, std::string_view> kOperations[] = {
      {"/api/services", "get_services"},
      {"/api/services/{service}/operations", "get_operations"},
      {"/api/operations", "get_operations"},
      {"/api/traces", "find_traces"},
      {"/api/traces/{traceID}", "get_trace"},
      {"/api/dependencies", "get_dependencies"},
      {"/api/v3/services", "get_services"},
      {"/api/v3/operations", "get_operations"},
      {"/api/v3/traces", "find_traces"},
      {"/api/v3/traces/{trace_id}", "get_trace"},
      {"/api/v3/dependencies", "get_dependencies"},
      {"/jaeger.api_v2.QueryService/GetServices", "get_services"},
      {"/jaeger.api_v2.QueryService/GetOperations", "get_operations"},
      {"/jaeger.api_v2.QueryService/FindTraces", "find_traces"},
      {"/jaeger.api_v2.QueryService/GetTrace", "get_trace"},
      {"/jaeger.api_v2.QueryService/GetDependencies", "get_dependencies"},
      {"/jaeger.api_v3.QueryService/GetServices", "get_services"},
      {"/jaeger.api_v3.QueryService/GetOperations", "get_operations"},
      {"/jaeger.api_v3.QueryService/FindTraces", "find_traces"},
      {"/jaeger.api_v3.QueryService/GetTrace", "get_trace"},
      {"/jaeger.api_v3.QueryService/GetDependencies", "get_dependencies"},
  };
  for (const auto& [path, operation] : kOperations) {
    if (path == route) return operation;
  }
  return "";
}

}  // namespace

JaegerCollectorMetrics::JaegerCollectorMetrics(server::MetricRegistry& metrics)
    : metrics_(metrics),
      dropped_(metrics.Counter("jaeger_collector_spans_dropped_total", {{"host", HostName()}})),
      batch_size_(metrics.Gauge("jaeger_collector_batch_size", {{"host", HostName()}})),
      bytes_(metrics.Gauge("jaeger_collector_spans_bytes", {{"host", HostName()}})),
      service_names_(metrics.Gauge("jaeger_collector_spans_serviceNames", {{"host", HostName()}})),
      in_queue_latency_(
          metrics.Histogram("jaeger_collector_in_queue_latency", {{"host", HostName()}})),
      save_latency_(metrics.Histogram("jaeger_collector_save_latency", {{"host", HostName()}})) {
  for (const char* queue : {"jaeger_collector_queue_length", "jaeger_collector_queue_capacity"}) {
    metrics.Gauge(queue, {{"host", HostName()}});
  }
  StandAtOnce();
}

// As Jaeger's: each family by service has a first series, so that rates of it begin at 0.
void JaegerCollectorMetrics::StandAtOnce() {
  const ingest::IntakeSource unknown{"unknown", "unknown", ""};
  for (const char* of : {"received", "rejected"}) {
    const std::string end = std::string(of) + "_total";
    metrics_.Counter("jaeger_collector_spans_" + end, SpanLabels("false", unknown, kOthers));
    metrics_.Counter("jaeger_collector_traces_" + end,
                     TraceLabels("false", unknown, kOthers, "unknown"));
  }
  const server::MetricLabels saved{{"debug", "false"}, {"result", "ok"}, {"svc", kOthers}};
  metrics_.Counter("jaeger_collector_spans_saved_by_svc_total", saved);
  metrics_.Counter(
      "jaeger_collector_traces_saved_by_svc_total",
      {{"debug", "false"}, {"result", "ok"}, {"sampler_type", "unknown"}, {"svc", kOthers}});
}

void JaegerCollectorMetrics::Count(const ingest::IntakeEvent& event) {
  const bool kept = event.answer.outcome == ingest::IntakeOutcome::kTaken;
  batch_size_.Set(static_cast<double>(event.received));
  bytes_.Set(static_cast<double>(event.bytes));
  in_queue_latency_.Observe(std::chrono::duration<double>(event.decode_time).count());
  save_latency_.Observe(std::chrono::duration<double>(event.keep_time).count());
  const auto& report = event.answer.report;
  if (report.rejected != 0) {
    metrics_.Add("jaeger_collector_spans_rejected_total",
                 SpanLabels("false", event.source, kOthers), static_cast<double>(report.rejected));
    metrics_.Add("jaeger_collector_traces_rejected_total",
                 TraceLabels("false", event.source, kOthers, "unknown"),
                 static_cast<double>(report.rejected_roots));
  }
  if (!kept) dropped_.Add(static_cast<double>(event.received - report.rejected));
  const std::lock_guard lock(mutex_);
  for (const ingest::ServiceCount& count : event.services) {
    CountService(count, event.source, kept);
  }
  service_names_.Set(static_cast<double>(services_.size()));
}

// Caller holds mutex_. Leaves the key in key_, for who adds it.
std::optional<JaegerCollectorMetrics::Found> JaegerCollectorMetrics::Find(
    std::string_view service, const ingest::IntakeSource& source) {
  key_.assign(source.format).append(1, ' ').append(source.transport).append(1, ' ');
  const std::size_t begin = key_.size();
  key_.append(service);
  const auto found = services_.find(key_);
  if (found == services_.end()) return std::nullopt;
  return Found{found->second, std::string_view(found->first).substr(begin)};
}

// Caller holds mutex_.
JaegerCollectorMetrics::Found JaegerCollectorMetrics::Of(std::string_view service,
                                                         const ingest::IntakeSource& source) {
  // Most names are shown as they come; one as long as a message is not even looked for.
  if (service.size() <= server::kMostLabelBytes)
    if (const auto known = Find(service, source)) return *known;
  // As it is shown: names that are cut to the same text are one, and what is kept is bounded.
  std::string shown = server::LabelText(service);
  if (shown.empty()) shown = "unknown";
  if (const auto known = Find(shown, source)) return *known;
  if (services_.size() >= kMaxServices && service != kOthers) return Of(kOthers, source);
  services_.emplace(key_, ByService{});
  return *Find(shown, source);
}

// Caller holds mutex_.
void JaegerCollectorMetrics::CountService(const ingest::ServiceCount& count,
                                          const ingest::IntakeSource& source, bool kept) {
  const auto [by, svc] = Of(count.service, source);
  // Labels are written once, at the first count.
  const auto add = [this](server::MetricValue*& value, std::uint64_t more, const char* name,
                          const auto& labels) {
    if (more == 0) return;
    if (value == nullptr) value = &metrics_.Counter(name, labels());
    value->Add(static_cast<double>(more));
  };
  using Labels = server::MetricLabels;
  const std::string_view service = svc;
  for (std::size_t debug = 0; debug < 2; ++debug) {
    const char* flag = DebugOf(debug);
    add(by.received[debug], count.spans[debug], "jaeger_collector_spans_received_total",
        [&] { return SpanLabels(flag, source, service); });
    add(by.saved[kept][debug], count.spans[debug], "jaeger_collector_spans_saved_by_svc_total",
        [&] {
          return Labels{{"debug", flag}, {"result", ResultOf(kept)}, {"svc", service}};
        });
    for (std::size_t type = 0; type < ingest::kSamplerTypes; ++type) {
      const char* sampler = ingest::SamplerTypeName(static_cast<ingest::SamplerType>(type));
      const std::uint64_t roots = count.roots[debug][type];
      add(by.traces_received[debug][type], roots, "jaeger_collector_traces_received_total",
          [&] { return TraceLabels(flag, source, service, sampler); });
      add(by.traces_saved[kept][debug][type], roots, "jaeger_collector_traces_saved_by_svc_total",
          [&] {
            return Labels{{"debug", flag},
                          {"result", ResultOf(kept)},
                          {"sampler_type", sampler},
                          {"svc", service}};
          });
    }
  }
}

void SetJaegerBuildInfo(server::MetricRegistry& metrics) {
  metrics.Set("jaeger_build_info",
              {{"build_date", ""}, {"revision", ""}, {"version", server::Version()}}, 1);
}

void CountJaegerQuery(server::MetricRegistry& metrics, std::string_view route, bool ok,
                      std::chrono::nanoseconds took) {
  const std::string_view operation = OperationOf(route);
  if (operation.empty()) return;
  const server::MetricLabels labels{{"operation", operation}, {"result", ResultOf(ok)}};
  const double seconds = std::chrono::duration<double>(took).count();
  metrics.Add("jaeger_query_requests_total", labels);
  metrics.Observe("jaeger_query_latency", labels, seconds);
  metrics.Add("jaeger_storage_requests_total", labels);
  metrics.Observe("jaeger_storage_latency", labels, seconds);
}

void CountJaegerResults(server::MetricRegistry& metrics, std::string_view operation,
                        std::uint64_t results) {
  metrics.Observe("jaeger_storage_responses", {{"operation", operation}},
                  static_cast<double>(results));
}

void PrepareJaegerQueryMetrics(server::MetricRegistry& metrics) {
  metrics.DescribeHistogram("jaeger_storage_responses",
                            "Services, operations, traces or links that a read of the store found.",
                            {0, 1, 10, 100, 1'000, 10'000, 100'000, 1'000'000});
  for (const char* operation :
       {"find_traces", "get_dependencies", "get_operations", "get_services", "get_trace"}) {
    for (const char* result : {"ok", "err"}) {
      const server::MetricLabels labels{{"operation", operation}, {"result", result}};
      metrics.Counter("jaeger_query_requests_total", labels);
      metrics.Histogram("jaeger_query_latency", labels);
      metrics.Counter("jaeger_storage_requests_total", labels);
      metrics.Histogram("jaeger_storage_latency", labels);
    }
    // Jaeger has none of reads by id, which have one result.
    if (std::string_view(operation) != "get_trace")
      metrics.Histogram("jaeger_storage_responses", {{"operation", operation}});
  }
}

void DescribeJaegerMetrics(server::MetricRegistry& metrics) {
  static constexpr std::pair<const char*, const char*> kMetrics[] = {
      {"jaeger_build_info", "The version that runs; always 1."},
      {"jaeger_collector_spans_received_total", "Spans of messages that could be read."},
      {"jaeger_collector_spans_rejected_total", "Spans refused for what they are."},
      {"jaeger_collector_spans_dropped_total", "Spans not kept for want of room or of the disk."},
      {"jaeger_collector_spans_saved_by_svc_total", "Spans kept (ok) or not (err)."},
      {"jaeger_collector_traces_received_total", "Spans without a parent, of those received."},
      {"jaeger_collector_traces_rejected_total",
       "Spans refused for what they are that are seen to have no parent."},
      {"jaeger_collector_traces_saved_by_svc_total", "Spans without a parent, kept or not."},
      {"jaeger_collector_batch_size", "Spans of the last message."},
      {"jaeger_collector_spans_bytes", "Bytes of the last message."},
      {"jaeger_collector_spans_serviceNames", "Services counted, by format and transport."},
      {"jaeger_collector_queue_length", "Always 0: there is no queue."},
      {"jaeger_collector_queue_capacity", "Always 0: there is no queue."},
      {"jaeger_collector_in_queue_latency", "Seconds from a message's bytes to its spans."},
      {"jaeger_collector_save_latency", "Seconds from a message's spans to their being kept."},
      {"jaeger_query_requests_total", "Requests to the query API, by operation."},
      {"jaeger_query_latency", "Seconds until the first byte of an answer."},
      {"jaeger_storage_requests_total", "Reads of the store, by operation."},
      {"jaeger_storage_latency", "Seconds until their first result."},
  };
  for (const auto& [name, help] : kMetrics) metrics.Describe(name, help);
  // Jaeger 2 ends the names as OpenTelemetry does, or has no ending.
  metrics.Alias("jaeger_storage_latency", "jaeger_storage_latency_seconds");
  metrics.Alias("jaeger_storage_requests_total", "jaeger_storage_requests");
}

}  // namespace tracestore::tools
