// A trace drawn as a tree beside a timeline, of its parts.
#pragma once
#include <vector>

#include <tracestore/spans.h>
#include <tracestore/summary.h>
#include <tracestore/trace.h>

#include "assembly/timing.h"
#include "assembly/trace_graph.h"

namespace tracestore::api {

struct TreeParts {
  const SpanList& spans;
  const TraceSummary& summary;
  const assembly::TraceGraph& graph;                    // of `spans`
  const std::vector<assembly::Interval>& intervals;     // by span node
  const std::vector<assembly::PathSegment>& critical;   // by time
};

// As tracestore::DrawTree. Nothing recursive: a chain of a million spans is drawn as any other;
// what is deeper than the width allows is marked by its depth.
DrawnTree DrawTree(const TreeParts& trace, const DrawOptions& options);

}  // namespace tracestore::api
