#include "server/jaeger/trace_view.h"

#include <numeric>
#include <optional>
#include <vector>

#include "assembly/clock_skew.h"
#include "assembly/trace_graph.h"
#include "codec/jaeger/jaeger_json.h"
#include "model/span_batch.h"
#include "server/jaeger/adjust.h"
#include "server/jaeger/as_collected.h"

namespace tracestore::server {

namespace {

// The batch with its spans and their events moved; nothing where none is.
std::optional<model::SpanBatch> Moved(const model::SpanBatch& batch,
                                      const assembly::TraceGraph& graph,
                                      const assembly::ClockSkew& skew) {
  std::optional<model::SpanBatch> moved;
  for (assembly::NodeId node = 0; node < graph.span_count(); ++node) {
    if (skew.delta_ns[node] == 0) continue;
    if (!moved) moved = batch;
    const auto delta = static_cast<std::uint64_t>(skew.delta_ns[node]);
    model::SpanRecord& span = moved->spans[graph.row(node)];
    span.start_ns += delta;
    for (std::uint32_t i = 0; i < span.events.count; ++i)
      moved->events[span.events.begin + i].time_ns += delta;
  }
  return moved;
}

}  // namespace

void AppendTrace(const SpanList& spans, bool raw, std::uint64_t max_skew_ns, std::string& out) {
  static const model::SpanBatch kNone;
  const model::SpanBatch& stored = spans.batch() ? *spans.batch() : kNone;
  const auto collected = AsCollected(stored);
  const model::SpanBatch& batch = collected ? collected->batch : stored;
  codec::JaegerJsonOptions options;
  std::vector<std::uint32_t> rows;
  std::vector<std::vector<std::string>> warnings;
  const auto warn_of_negative = [&] {
    if (!collected) return;
    warnings.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (collected->negative[rows[i]]) warnings[i].emplace_back(kNegativeDurationWarning);
    options.warnings = warnings;
  };
  if (raw) {
    rows.resize(batch.size());
    std::iota(rows.begin(), rows.end(), 0u);
    warn_of_negative();
    codec::EncodeJaegerTrace(batch, rows, options, out);
    return;
  }
  const auto adjusted = AdjustForJaeger(batch);
  const model::SpanBatch& shown = adjusted ? *adjusted : batch;
  const auto graph = assembly::TraceGraph::Build(shown);
  for (assembly::NodeId node = 0; node < graph.span_count(); ++node)
    rows.push_back(graph.row(node));
  warnings.resize(rows.size());
  warn_of_negative();
  const assembly::ClockSkew skew = assembly::FindClockSkew(graph, {max_skew_ns});
  for (const assembly::ClockSkewWarning& warning : skew.warnings)
    if (warning.node < warnings.size()) warnings[warning.node].push_back(warning.text);
  options.sort_tags = true;
  options.warnings = warnings;
  const auto moved = Moved(shown, graph, skew);
  codec::EncodeJaegerTrace(moved ? *moved : shown, rows, options, out);
}

}  // namespace tracestore::server
