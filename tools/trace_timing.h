// A trace as `get` and `critical-path` show it: its graph, times and critical path, from one list
// of spans.
#pragma once
#include <cstdint>
#include <vector>

#include <tracestore/spans.h>
#include <tracestore/summary.h>

#include "assembly/timing.h"
#include "assembly/trace_graph.h"

namespace tracestore::tools {

struct TimedTrace {
  SpanList spans;  // what the graph points into
  TraceSummary summary;
  assembly::TraceGraph graph;
  std::vector<assembly::Interval> intervals;        // by span node
  std::vector<std::uint64_t> self_ns;               // by span node
  std::vector<assembly::PathSegment> critical;      // by time
  std::vector<std::uint64_t> critical_ns;           // by span node
  std::vector<std::string> warnings;                // sentences

  SpanView span(assembly::NodeId node) const { return spans[graph.row(node)]; }
};

// `spans`: all of one trace, at least one. `max_skew_ns`: how far the spans of a skewed clock may
// be moved; 0: not at all.
TimedTrace TimeTrace(SpanList spans, std::uint64_t max_skew_ns);

}  // namespace tracestore::tools
