// Where the time of a trace went: self time of spans, the critical path, sums by operation.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "assembly/clock_skew.h"
#include "assembly/trace_graph.h"

namespace tracestore::assembly {

// Unix nanoseconds, [begin_ns, end_ns); both 0 for a span without a start.
struct Interval {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t length() const noexcept { return end_ns - begin_ns; }
};

// By span node. A span ends as model::SpanEnd says. With `skew`, starts are moved by it.
std::vector<Interval> IntervalsOf(const TraceGraph& graph, const ClockSkew* skew = nullptr);

// By span node, in nanoseconds: the length of the span's interval less what its children in the
// tree cover of it. O(n log n).
std::vector<std::uint64_t> SelfTimes(const TraceGraph& graph,
                                     const std::vector<Interval>& intervals);

// A stretch of time and the span that the trace waited for.
struct PathSegment {
  NodeId node;
  std::uint64_t begin_ns;
  std::uint64_t end_ns;
};

// The critical path below `top` (graph.root(), usually), by time: segments that don't overlap and
// together are the span's whole interval. From the end backwards, the span waits for the child that
// ended last before the moment reached; that child's interval is explained likewise, and the search
// goes on from its start. Children count as far as they lie within their parent: one that outlives
// it counts up to its end, one that begins after it doesn't count; nor do FollowsFrom children,
// which nobody waits for, and spans without a start. Ties: the child that began earlier.
// Empty where `top` has no start. O(n log n).
std::vector<PathSegment> CriticalPath(const TraceGraph& graph,
                                      const std::vector<Interval>& intervals, NodeId top);

struct OperationTime {
  std::string service;
  std::string operation;
  std::uint64_t spans = 0;
  std::uint64_t total_ns = 0;     // intervals, overlapping ones each
  std::uint64_t self_ns = 0;
  std::uint64_t critical_ns = 0;  // on the critical path given
};

// Ordered by service, then operation.
std::vector<OperationTime> TimeByOperation(const TraceGraph& graph,
                                           const std::vector<Interval>& intervals,
                                           const std::vector<std::uint64_t>& self_times,
                                           const std::vector<PathSegment>& critical_path);

}  // namespace tracestore::assembly
