#include "service/otelcol_metrics.h"

#include <utility>

namespace tracestore::tools {
namespace {

constexpr const char* kAccepted = "otelcol_receiver_accepted_spans_total";
constexpr const char* kRefused = "otelcol_receiver_refused_spans_total";
constexpr const char* kSent = "otelcol_exporter_sent_spans_total";
constexpr const char* kFailed = "otelcol_exporter_send_failed_spans_total";

// The collector's names of receivers: one a protocol.
std::string_view ReceiverOf(std::string_view format) {
  for (const std::string_view protocol : {"otlp", "jaeger", "zipkin"})
    if (format.starts_with(protocol)) return protocol;
  return "unknown";
}

class CountedEnd final : public ingest::SpanSink {
 public:
  CountedEnd(std::unique_ptr<ingest::SpanSink> end, server::MetricRegistry& metrics)
      : end_(std::move(end)),
        sent_(metrics.Counter(kSent, {{"exporter", kStoreExporter}})),
        failed_(metrics.Counter(kFailed, {{"exporter", kStoreExporter}})) {}

  Status Accept(model::SpanBatch&& batch, const ingest::SpanContext& context) override {
    const auto spans = static_cast<double>(batch.size());
    Status kept = end_->Accept(std::move(batch), context);
    (kept.has_value() ? sent_ : failed_).Add(spans);
    return kept;
  }

 private:
  const std::unique_ptr<ingest::SpanSink> end_;
  server::MetricValue& sent_;
  server::MetricValue& failed_;
};

}  // namespace

void DescribeOtelcolMetrics(server::MetricRegistry& metrics) {
  metrics.Describe(kAccepted, "Spans taken, by protocol and transport.");
  metrics.Describe(kRefused, "Spans of messages that could be read that were not taken.");
  metrics.Describe(kSent, "Spans written to the store, or that a collector took.");
  metrics.Describe(kFailed, "Spans that the store refused, or that are given up.");
  metrics.Describe("otelcol_exporter_queue_size", "Bytes that wait for the store or a collector.");
  metrics.Describe("otelcol_exporter_queue_capacity", "At most so many.");
  // The collector itself shows some without their ending, others as a client of Prometheus does.
  metrics.Alias(kAccepted, "otelcol_receiver_accepted_spans");
  metrics.Alias(kRefused, "otelcol_receiver_refused_spans");
  metrics.Alias(kSent, "otelcol_exporter_sent_spans");
  metrics.Alias(kFailed, "otelcol_exporter_send_failed_spans");
  metrics.Alias("process_cpu_seconds_total", "otelcol_process_cpu_seconds_total");
  metrics.Alias("process_resident_memory_bytes", "otelcol_process_memory_rss_bytes");
}

void CountReceived(server::MetricRegistry& metrics, const ingest::IntakeEvent& event) {
  const server::MetricLabels from{{"receiver", ReceiverOf(event.source.format)},
                                  {"transport", event.source.transport}};
  const std::uint64_t accepted = event.answer.report.accepted;
  metrics.Add(kAccepted, from, static_cast<double>(accepted));
  metrics.Add(kRefused, from, static_cast<double>(event.received - accepted));
}

void CountExported(server::MetricRegistry& metrics, std::string_view exporter, std::uint64_t sent,
                   std::uint64_t failed) {
  metrics.Add(kSent, {{"exporter", exporter}}, static_cast<double>(sent));
  metrics.Add(kFailed, {{"exporter", exporter}}, static_cast<double>(failed));
}

void SetExporterQueue(server::MetricRegistry& metrics, std::string_view exporter,
                      std::uint64_t size, std::uint64_t capacity) {
  metrics.Set("otelcol_exporter_queue_size", {{"exporter", exporter}}, static_cast<double>(size));
  metrics.Set("otelcol_exporter_queue_capacity", {{"exporter", exporter}},
              static_cast<double>(capacity));
}

std::unique_ptr<ingest::SpanSink> CountedAsExporter(std::unique_ptr<ingest::SpanSink> end,
                                                    server::MetricRegistry& metrics) {
  return std::make_unique<CountedEnd>(std::move(end), metrics);
}

}  // namespace tracestore::tools
