// What OpenTelemetry's collector, and so Jaeger 2, counts of spans that come in and go out, under
// its names: the dashboards of Jaeger's jaeger-mixin read them. docs/operations.md has what each
// means here.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "ingest/intake.h"
#include "ingest/span_sink.h"
#include "server/admin/metrics.h"

namespace tracestore::tools {

// The exporter that Jaeger 2 writes to its storage by.
inline constexpr std::string_view kStoreExporter = "jaeger_storage_exporter";

// Help and other names; once, at start.
void DescribeOtelcolMetrics(server::MetricRegistry& metrics);

// otelcol_receiver_….
void CountReceived(server::MetricRegistry& metrics, const ingest::IntakeEvent& event);

// otelcol_exporter_… of spans that left, or are given up.
void CountExported(server::MetricRegistry& metrics, std::string_view exporter, std::uint64_t sent,
                   std::uint64_t failed);
void SetExporterQueue(server::MetricRegistry& metrics, std::string_view exporter,
                      std::uint64_t size, std::uint64_t capacity);

// `end`, whose batches are counted as kStoreExporter's. `metrics` is borrowed.
std::unique_ptr<ingest::SpanSink> CountedAsExporter(std::unique_ptr<ingest::SpanSink> end,
                                                    server::MetricRegistry& metrics);

}  // namespace tracestore::tools
