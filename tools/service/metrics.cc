#include "service/metrics.h"

#include <string>
#include <utility>

namespace tracestore::tools {
namespace {

// StoreOptions::metric's, each a counter tracestore_store_…_total.
void DescribeStoreMetrics(server::MetricRegistry& metrics) {
  static constexpr std::pair<const char*, const char*> kCounters[] = {
      {"appended_spans", "Spans appended."},
      {"append_group_batches", "Batches of all groups that were written to the log in one go."},
      {"recovered_spans", "Spans read out of the log at the start."},
      {"sealed_spans", "Spans that went from the head into segments."},
      {"sealed_bytes", "Bytes of the segments they became."},
      {"tombstones_added", "Tombstones of deletes that this process made."},
      {"compactions", "Merges of segments."},
      {"compacted_segments", "Segments that were merged."},
      {"compacted_spans", "Spans of the segments made of them."},
      {"compacted_bytes_read", "Bytes of the merged segments."},
      {"compacted_bytes_written", "Bytes of the segments made of them."},
      {"compaction_dropped_spans", "Deleted spans that merges left out."},
      {"expired_segments", "Segments that retention dropped."},
      {"expired_spans", "Spans of them."},
  };
  for (const auto& [name, help] : kCounters)
    metrics.Describe("tracestore_store_" + std::string(name) + "_total", help);
}

void DescribeSamplingMetrics(server::MetricRegistry& metrics) {
  static constexpr std::pair<const char*, const char*> kMetrics[] = {
      {"tracestore_sampling_reloads_total",
       "Reloads of the strategies file that changed something."},
      {"tracestore_sampling_reload_failures_total", "Reloads that gave an error."},
      {"tracestore_sampling_grpc_requests_total", "Strategies told over gRPC."},
      {"tracestore_sampling_tchannel_requests_total", "Strategies told over TChannel."},
      {"tracestore_adaptive_calculations_total", "Calculations of probabilities, as the leader."},
      {"tracestore_adaptive_store_errors_total",
       "Times that the state couldn't be read or written."},
      {"tracestore_adaptive_left_out_roots_total",
       "Root spans of operations beyond the most that are counted."},
      {"tracestore_adaptive_operations", "Operations with a probability of their own."},
      {"tracestore_adaptive_leader", "1 where this process calculates."},
      {"jaeger_agent_http_server_requests_total", "Requests for strategies, by type."},
      {"jaeger_agent_http_server_errors_total", "Requests refused or failed, by source."},
      {"jaeger_agent_http_server_total", "Requests for strategies, those refused or failed too."},
  };
  for (const auto& [name, help] : kMetrics) metrics.Describe(name, help);
  metrics.Alias("jaeger_agent_http_server_requests_total",
                "jaeger_remote_sampling_http_server_requests");
}

}  // namespace

// Zipkin's own names and meanings.
static void DescribeZipkinMetrics(server::MetricRegistry& metrics) {
  metrics.Describe("zipkin_collector_messages_total", "Messages received, by transport.");
  metrics.Describe("zipkin_collector_messages_dropped_total",
                   "Messages that could not be read or were refused for a bad span.");
  metrics.Describe("zipkin_collector_bytes_total", "Bytes of messages, decompressed.");
  metrics.Describe("zipkin_collector_spans_total", "Spans of messages that were read.");
  metrics.Describe("zipkin_collector_spans_dropped_total",
                   "Of them, those sampled away or without room.");
  metrics.Describe("zipkin_collector_message_spans", "Spans of the last message.");
  metrics.Describe("zipkin_collector_message_bytes", "Bytes of the last message.");
}

void DescribeMetrics(server::MetricRegistry& metrics) {
  metrics.Describe("tracestore_build_info", "The version that runs; always 1.");
  metrics.Describe("tracestore_ingest_requests_total",
                   "Messages by transport, format and outcome.");
  metrics.Describe("tracestore_ingest_bytes_total", "Bytes of messages, decompressed.");
  metrics.Describe("tracestore_spans_received_total", "Spans of all messages read.");
  metrics.Describe("tracestore_spans_accepted_total", "Spans kept and acknowledged.");
  metrics.Describe("tracestore_spans_rejected_total",
                   "Spans not kept, by reason; of messages that can't be read none is counted.");
  metrics.Describe("tracestore_pipeline_spans_total",
                   "Spans that a stage changed, dropped, refused or decided to keep, by its rule.");
  metrics.Describe("tracestore_pipeline_traces_total", "Traces that a stage decided on.");
  metrics.Describe("tracestore_ingest_bytes_in_flight",
                   "Bytes of messages and batches being taken in.");
  metrics.Describe("tracestore_ingest_bytes_limit", "At most so many; beyond it senders wait.");
  metrics.Describe("tracestore_ingest_messages_in_flight", "Messages being taken in.");
  metrics.Describe("tracestore_query_requests_total", "Requests to the query API.");
  metrics.Describe("tracestore_query_seconds_total",
                   "Time until the first byte of an answer, added up.");
  metrics.Describe("tracestore_store_spans", "Spans in the store, repeats counted.");
  metrics.Describe("tracestore_store_head_spans", "Spans in memory and log, not in a segment yet.");
  metrics.Describe("tracestore_store_segments", "Segment files.");
  metrics.Describe("tracestore_store_segment_bytes", "Bytes of all segment files.");
  metrics.Describe("tracestore_store_log_bytes", "Bytes of all log files.");
  metrics.Describe("tracestore_store_deleted_spans",
                   "Deleted spans that segments hold until they are compacted.");
  metrics.Describe("tracestore_http_connections", "Open connections.");
  metrics.Describe("tracestore_grpc_connections_closed_total",
                   "Connections of gRPC that the service closed, by cause.");
  metrics.Describe("tracestore_listener_refused_total",
                   "Messages that a listener refused before they were looked at, by cause.");
  DescribeStoreMetrics(metrics);
  DescribeZipkinMetrics(metrics);
  DescribeSamplingMetrics(metrics);
}

void CountIntake(server::MetricRegistry& metrics, const ingest::IntakeEvent& event) {
  const char* outcome = ingest::IntakeOutcomeName(event.answer.outcome);
  const ingest::IntakeSource& source = event.source;
  const server::MetricLabels from{{"transport", source.transport}, {"format", source.format}};
  metrics.Add("tracestore_ingest_requests_total",
              {{"transport", source.transport}, {"format", source.format}, {"outcome", outcome}});
  metrics.Add("tracestore_ingest_bytes_total", from, static_cast<double>(event.bytes));
  const auto& report = event.answer.report;
  metrics.Add("tracestore_spans_received_total", from, static_cast<double>(event.received));
  metrics.Add("tracestore_spans_accepted_total", from, static_cast<double>(report.accepted));
  for (const auto& [reason, count] : report.reasons)
    metrics.Add("tracestore_spans_rejected_total", {{"reason", reason}},
                static_cast<double>(count));
  const std::uint64_t others = event.received - report.accepted - report.rejected;
  if (others != 0) {
    metrics.Add("tracestore_spans_rejected_total", {{"reason", event.answer.cause}},
                static_cast<double>(others));
  }
}

void CountStage(server::MetricRegistry& metrics, const ingest::StageEvent& event) {
  const server::MetricLabels labels{{"stage", event.stage},
                                    {"rule", event.rule},
                                    {"action", ingest::StageActionName(event.action)}};
  metrics.Add("tracestore_pipeline_spans_total", labels, static_cast<double>(event.spans));
  if (event.traces != 0)
    metrics.Add("tracestore_pipeline_traces_total", labels, static_cast<double>(event.traces));
}

}  // namespace tracestore::tools
