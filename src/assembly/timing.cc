#include "assembly/timing.h"

#include <algorithm>
#include <map>

#include "model/trace_extent.h"

namespace tracestore::assembly {

std::vector<Interval> IntervalsOf(const TraceGraph& graph, const ClockSkew* skew) {
  std::vector<Interval> intervals(graph.span_count());
  for (NodeId node = 0; node < graph.span_count(); ++node) {
    const model::SpanRecord& span = graph.span(node);
    if (!span.has_start()) continue;
    const std::uint64_t length = model::SpanEnd(span) - span.start_ns;
    const std::uint64_t begin = skew == nullptr ? span.start_ns : skew->start_ns[node];
    // A start moved to the end of time can't end later.
    intervals[node] = {begin, begin + length < begin ? begin : begin + length};
  }
  return intervals;
}

std::vector<std::uint64_t> SelfTimes(const TraceGraph& graph,
                                     const std::vector<Interval>& intervals) {
  std::vector<std::uint64_t> self(graph.span_count());
  std::vector<Interval> children;
  for (NodeId node = 0; node < graph.span_count(); ++node) {
    const Interval& own = intervals[node];
    children.clear();
    for (const NodeId child : graph.children(node)) {
      const std::uint64_t begin = std::max(intervals[child].begin_ns, own.begin_ns);
      const std::uint64_t end = std::min(intervals[child].end_ns, own.end_ns);
      if (begin < end) children.push_back({begin, end});
    }
    // By start already, unless starts were moved.
    std::sort(children.begin(), children.end(),
              [](const Interval& a, const Interval& b) { return a.begin_ns < b.begin_ns; });
    std::uint64_t covered = 0;
    std::uint64_t reached = own.begin_ns;
    for (const Interval& child : children) {
      if (child.end_ns <= reached) continue;
      covered += child.end_ns - std::max(child.begin_ns, reached);
      reached = child.end_ns;
    }
    self[node] = own.length() - covered;
  }
  return self;
}

namespace {

struct Candidate {
  Interval within;  // the parent's part of its interval
  NodeId node;
};

// A span whose interval is being explained, from its end backwards.
struct Frame {
  NodeId node;
  std::uint64_t begin_ns;
  std::uint64_t reached_ns;       // what is later has been explained
  std::vector<Candidate> waited;  // children, the one that ended last first
  std::size_t next = 0;
};

Frame Open(const TraceGraph& graph, const std::vector<Interval>& intervals, NodeId node,
           const Interval& window) {
  Frame frame{node, window.begin_ns, window.end_ns, {}, 0};
  for (const NodeId child : graph.children(node)) {
    if (graph.parent_edge(child) == EdgeType::kFollowsFrom) continue;
    const std::uint64_t begin = std::max(intervals[child].begin_ns, window.begin_ns);
    const std::uint64_t end = std::min(intervals[child].end_ns, window.end_ns);
    if (begin < end) frame.waited.push_back({{begin, end}, child});
  }
  std::sort(frame.waited.begin(), frame.waited.end(), [](const Candidate& a, const Candidate& b) {
    if (a.within.end_ns != b.within.end_ns) return a.within.end_ns > b.within.end_ns;
    if (a.within.begin_ns != b.within.begin_ns) return a.within.begin_ns < b.within.begin_ns;
    return a.node < b.node;
  });
  return frame;
}

}  // namespace

std::vector<PathSegment> CriticalPath(const TraceGraph& graph,
                                      const std::vector<Interval>& intervals, NodeId top) {
  std::vector<PathSegment> path;
  if (top == kNoNode || graph.missing(top) || !graph.span(top).has_start()) return path;
  const auto add = [&](NodeId node, std::uint64_t begin, std::uint64_t end) {
    if (begin < end) path.push_back({node, begin, end});
  };
  std::vector<Frame> open;
  open.push_back(Open(graph, intervals, top, intervals[top]));
  while (!open.empty()) {
    Frame& frame = open.back();
    while (frame.next < frame.waited.size() &&
           frame.waited[frame.next].within.end_ns > frame.reached_ns) {
      ++frame.next;  // it ran beside the one that was waited for
    }
    if (frame.next == frame.waited.size()) {
      add(frame.node, frame.begin_ns, frame.reached_ns);
      open.pop_back();
      continue;
    }
    const Candidate child = frame.waited[frame.next++];
    add(frame.node, child.within.end_ns, frame.reached_ns);
    frame.reached_ns = child.within.begin_ns;
    open.push_back(Open(graph, intervals, child.node, child.within));
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<OperationTime> TimeByOperation(const TraceGraph& graph,
                                           const std::vector<Interval>& intervals,
                                           const std::vector<std::uint64_t>& self_times,
                                           const std::vector<PathSegment>& critical_path) {
  std::map<std::pair<std::string_view, std::string_view>, OperationTime> sums;
  const auto of = [&](NodeId node) -> OperationTime& {
    return sums[{graph.service(node), graph.batch().text(graph.span(node).name)}];
  };
  for (NodeId node = 0; node < graph.span_count(); ++node) {
    OperationTime& sum = of(node);
    ++sum.spans;
    sum.total_ns += intervals[node].length();
    sum.self_ns += self_times[node];
  }
  for (const PathSegment& segment : critical_path)
    of(segment.node).critical_ns += segment.end_ns - segment.begin_ns;
  std::vector<OperationTime> list;
  for (auto& [name, sum] : sums) {
    sum.service = name.first;
    sum.operation = name.second;
    list.push_back(std::move(sum));
  }
  return list;
}

}  // namespace tracestore::assembly
