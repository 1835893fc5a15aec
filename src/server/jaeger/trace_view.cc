#include "server/jaeger/trace_view.h"

#include <numeric>
#include <vector>

#include "assembly/clock_skew.h"
#include "assembly/trace_graph.h"
#include "codec/jaeger/jaeger_json.h"
#include "model/span_batch.h"
#include "server/jaeger/adjust.h"

namespace tracestore::server {

void AppendTrace(const SpanList& spans, bool raw, std::string& out) {
  static const model::SpanBatch kNone;
  const model::SpanBatch& batch = spans.batch() ? *spans.batch() : kNone;
  codec::JaegerJsonOptions options;
  std::vector<std::uint32_t> rows;
  if (raw) {
    rows.resize(batch.size());
    std::iota(rows.begin(), rows.end(), 0u);
    codec::EncodeJaegerTrace(batch, rows, options, out);
    return;
  }
  const auto adjusted = AdjustForJaeger(batch);
  const model::SpanBatch& shown = adjusted ? *adjusted : batch;
  const auto graph = assembly::TraceGraph::Build(shown);
  for (assembly::NodeId node = 0; node < graph.span_count(); ++node)
    rows.push_back(graph.row(node));
  std::vector<std::vector<std::string>> warnings(rows.size());
  for (const assembly::ClockSkewWarning& warning : assembly::FindClockSkew(graph).warnings)
    if (warning.node < warnings.size()) warnings[warning.node].push_back(warning.text);
  options.sort_tags = true;
  options.warnings = warnings;
  codec::EncodeJaegerTrace(shown, rows, options, out);
}

}  // namespace tracestore::server
