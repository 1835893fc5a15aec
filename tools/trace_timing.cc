#include "trace_timing.h"

#include <utility>

#include "assembly/clock_skew.h"
#include "assembly/summary.h"

namespace tracestore::tools {

TimedTrace TimeTrace(SpanList spans, std::uint64_t max_skew_ns) {
  TimedTrace trace;
  trace.spans = std::move(spans);
  const model::SpanBatch& batch = *trace.spans.batch();
  trace.summary = assembly::Summarize(batch);
  trace.graph = assembly::TraceGraph::Build(batch);
  const assembly::TraceGraph& graph = trace.graph;
  if (max_skew_ns > 0) {
    const assembly::ClockSkew skew = assembly::FindClockSkew(graph, {max_skew_ns});
    trace.intervals = assembly::IntervalsOf(graph, &skew);
    for (const auto& warning : skew.warnings) {
      trace.warnings.push_back("span " + graph.span_id(warning.node).ToHex() + ": " +
                               warning.text);
    }
  } else {
    trace.intervals = assembly::IntervalsOf(graph);
  }
  trace.self_ns = assembly::SelfTimes(graph, trace.intervals);
  trace.critical = assembly::CriticalPath(graph, trace.intervals, graph.root());
  trace.critical_ns.assign(graph.span_count(), 0);
  for (const assembly::PathSegment& part : trace.critical) {
    trace.critical_ns[part.node] += part.end_ns - part.begin_ns;
  }
  for (const auto& warning : graph.warnings()) {
    trace.warnings.push_back("span " + graph.span_id(warning.node).ToHex() + ": " +
                             warning.Text());
  }
  return trace;
}

}  // namespace tracestore::tools
