#include "server/jaeger/trace_view.h"

#include <numeric>
#include <vector>

#include "assembly/clock_skew.h"
#include "assembly/trace_graph.h"
#include "codec/jaeger/jaeger_json.h"
#include "model/span_batch.h"
#include "server/jaeger/adjust.h"
#include "server/jaeger/as_collected.h"

namespace tracestore::server {

void AppendTrace(const SpanList& spans, bool raw, std::string& out) {
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
  for (const assembly::ClockSkewWarning& warning : assembly::FindClockSkew(graph).warnings)
    if (warning.node < warnings.size()) warnings[warning.node].push_back(warning.text);
  options.sort_tags = true;
  options.warnings = warnings;
  codec::EncodeJaegerTrace(shown, rows, options, out);
}

}  // namespace tracestore::server
