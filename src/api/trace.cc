#include <tracestore/trace.h>

#include <algorithm>

#include "api/draw_tree.h"
#include "assembly/clock_skew.h"
#include "assembly/summary.h"
#include "assembly/timing.h"
#include "assembly/trace_graph.h"
#include "model/span_batch.h"

namespace tracestore {
namespace {

Trace::Edge EdgeOf(assembly::EdgeType type) noexcept {
  switch (type) {
    case assembly::EdgeType::kNone: return Trace::Edge::kNone;
    case assembly::EdgeType::kChildOf: return Trace::Edge::kChildOf;
    case assembly::EdgeType::kFollowsFrom: return Trace::Edge::kFollowsFrom;
    case assembly::EdgeType::kShared: return Trace::Edge::kShared;
  }
  return Trace::Edge::kNone;
}

}  // namespace

static_assert(Trace::kNone == assembly::kNoNode);

struct Trace::Assembled {
  SpanList spans;  // what the graph points into
  TraceSummary summary;
  assembly::TraceGraph graph;
  std::vector<assembly::Interval> intervals;  // by span node
  std::vector<std::uint64_t> self_ns;         // by span node
  std::vector<Warning> warnings;
};

Result<Trace> Trace::Assemble(SpanList spans, const TraceOptions& options) {
  if (spans.empty())
    return Error(ErrorCode::kInvalidArgument, "a trace needs at least one span");
  const model::SpanBatch& batch = *spans.batch();
  const TraceId id = batch.spans[0].trace_id;
  for (const model::SpanRecord& span : batch.spans) {
    if (span.trace_id == id) continue;
    return Error(ErrorCode::kInvalidArgument, "spans of the traces " + id.ToShortHex() + " and " +
                                                  span.trace_id.ToShortHex() +
                                                  " are not one trace");
  }
  auto made = std::make_shared<Assembled>();
  made->spans = std::move(spans);
  made->summary = assembly::Summarize(batch);
  made->graph = assembly::TraceGraph::Build(batch);
  const assembly::TraceGraph& graph = made->graph;
  const auto skew = assembly::FindClockSkew(graph, {options.max_skew_ns});
  made->intervals = assembly::IntervalsOf(graph, options.max_skew_ns > 0 ? &skew : nullptr);
  made->self_ns = assembly::SelfTimes(graph, made->intervals);
  for (const auto& warning : graph.warnings())
    made->warnings.push_back({warning.node, warning.Text()});
  for (const auto& warning : skew.warnings) made->warnings.push_back({warning.node, warning.text});
  std::stable_sort(made->warnings.begin(), made->warnings.end(),
                   [](const Warning& a, const Warning& b) { return a.node < b.node; });
  return Trace(std::move(made));
}

const SpanList& Trace::spans() const noexcept { return assembled_->spans; }
const TraceSummary& Trace::summary() const noexcept { return assembled_->summary; }
std::uint32_t Trace::size() const noexcept { return assembled_->graph.size(); }
std::uint32_t Trace::span_count() const noexcept { return assembled_->graph.span_count(); }

SpanId Trace::span_id(Node node) const { return assembled_->graph.span_id(node); }
SpanView Trace::span(Node node) const { return assembled_->spans[assembled_->graph.row(node)]; }
std::size_t Trace::row(Node node) const { return assembled_->graph.row(node); }
std::uint32_t Trace::copies(Node node) const { return assembled_->graph.copies(node); }
Trace::Interval Trace::interval(Node node) const {
  const assembly::Interval& interval = assembled_->intervals[node];
  return {interval.begin_ns, interval.end_ns};
}
std::uint64_t Trace::self_ns(Node node) const { return assembled_->self_ns[node]; }

Trace::Parent Trace::parent(Node node) const {
  return {assembled_->graph.parent(node), EdgeOf(assembled_->graph.parent_edge(node))};
}
std::span<const Trace::Node> Trace::children(Node node) const {
  return assembled_->graph.children(node);
}
std::uint32_t Trace::depth(Node node) const { return assembled_->graph.depth(node); }
const std::vector<Trace::Node>& Trace::roots() const noexcept { return assembled_->graph.roots(); }
Trace::Node Trace::root() const noexcept { return assembled_->graph.root(); }
const std::vector<Trace::Node>& Trace::preorder() const noexcept {
  return assembled_->graph.preorder();
}
std::span<const Trace::Node> Trace::subtree(Node node) const {
  return assembled_->graph.subtree(node);
}

std::vector<Trace::Parent> Trace::parents(Node node) const {
  std::vector<Parent> parents;
  for (const assembly::ParentEdge& edge : assembled_->graph.parents(node))
    parents.push_back({edge.parent, EdgeOf(edge.type)});
  return parents;
}
std::span<const Trace::Node> Trace::all_children(Node node) const {
  return assembled_->graph.all_children(node);
}

std::vector<Trace::Node> Trace::Find(SpanId id) const {
  const auto found = assembled_->graph.Find(id);
  std::vector<Node> nodes(found.begin(), found.end());
  std::sort(nodes.begin(), nodes.end());  // nodes are numbered by start
  return nodes;
}

const std::vector<Trace::Warning>& Trace::warnings() const noexcept {
  return assembled_->warnings;
}

std::vector<Trace::PathPart> Trace::CriticalPath(Node top) const {
  std::vector<PathPart> path;
  if (top >= span_count()) return path;
  for (const assembly::PathSegment& part :
       assembly::CriticalPath(assembled_->graph, assembled_->intervals, top)) {
    path.push_back({part.node, part.begin_ns, part.end_ns});
  }
  return path;
}

DrawnTree DrawTree(const Trace& trace, const DrawOptions& options) {
  const Trace::Assembled& parts = *trace.assembled_;
  const auto critical = assembly::CriticalPath(parts.graph, parts.intervals, parts.graph.root());
  return api::DrawTree({parts.spans, parts.summary, parts.graph, parts.intervals, critical},
                       options);
}

}  // namespace tracestore
