#include "server/jaeger/trace_view.h"

#include <numeric>
#include <optional>
#include <utility>

#include "assembly/clock_skew.h"
#include "assembly/trace_graph.h"
#include "codec/jaeger/jaeger_json.h"
#include "model/span_batch.h"
#include "net/stream_turn.h"
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

ShownTrace ShowTrace(const SpanList& spans, bool raw, std::uint64_t max_skew_ns) {
  ShownTrace shown;
  shown.batch = spans.batch() ? spans.batch() : std::make_shared<const model::SpanBatch>();
  auto collected = AsCollected(*shown.batch);
  if (collected)
    shown.batch = std::make_shared<const model::SpanBatch>(std::move(collected->batch));
  const auto warn_of_negative = [&] {
    if (!collected) return;
    shown.warnings.resize(shown.rows.size());
    for (std::size_t i = 0; i < shown.rows.size(); ++i) {
      if (collected->negative[shown.rows[i]])
        shown.warnings[i].emplace_back(kNegativeDurationWarning);
    }
  };
  if (raw) {
    shown.rows.resize(shown.batch->size());
    std::iota(shown.rows.begin(), shown.rows.end(), 0u);
    warn_of_negative();
    return shown;
  }
  if (auto adjusted = AdjustForJaeger(*shown.batch))
    shown.batch = std::make_shared<const model::SpanBatch>(std::move(*adjusted));
  const auto graph = assembly::TraceGraph::Build(*shown.batch);
  for (assembly::NodeId node = 0; node < graph.span_count(); ++node)
    shown.rows.push_back(graph.row(node));
  shown.warnings.resize(shown.rows.size());
  warn_of_negative();
  const assembly::ClockSkew skew = assembly::FindClockSkew(graph, {max_skew_ns});
  for (const assembly::ClockSkewWarning& warning : skew.warnings)
    if (warning.node < shown.warnings.size()) shown.warnings[warning.node].push_back(warning.text);
  if (auto moved = Moved(*shown.batch, graph, skew))
    shown.batch = std::make_shared<const model::SpanBatch>(std::move(*moved));
  return shown;
}

ShownTrace AsStored(const SpanList& spans) {
  ShownTrace shown;
  shown.batch = spans.batch() ? spans.batch() : std::make_shared<const model::SpanBatch>();
  shown.rows.resize(shown.batch->size());
  std::iota(shown.rows.begin(), shown.rows.end(), 0u);
  return shown;
}

namespace {

codec::JaegerJsonOptions JsonOptions(const ShownTrace& shown, bool raw) {
  codec::JaegerJsonOptions options;
  options.sort_tags = !raw;
  options.warnings = shown.warnings;
  return options;
}

}  // namespace

void AppendTrace(const SpanList& spans, bool raw, std::uint64_t max_skew_ns, std::string& out) {
  const ShownTrace shown = ShowTrace(spans, raw, max_skew_ns);
  codec::EncodeJaegerTrace(*shown.batch, shown.rows, JsonOptions(shown, raw), out);
}

TraceText::TraceText(const SpanList& spans, bool raw, std::uint64_t max_skew_ns)
    : shown_(ShowTrace(spans, raw, max_skew_ns)),
      encoder_(*shown_.batch, shown_.rows, JsonOptions(shown_, raw)) {}

bool TraceText::Next(std::string& out) {
  return encoder_.Next(net::kStreamTurnBytes, out);
}

}  // namespace tracestore::server
