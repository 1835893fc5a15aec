#include "assembly/trace_graph.h"

#include <gtest/gtest.h>

#include <set>

#include "assembly/clock_skew.h"
#include "assembly/links.h"
#include "assembly/summary.h"
#include "assembly/timing.h"
#include "assembly/trace_test_util.h"

namespace tracestore::assembly {
namespace {

NodeId NodeOf(const TraceGraph& graph, std::uint64_t id) {
  const auto nodes = graph.Find({id});
  return nodes.empty() ? kNoNode : nodes[0];
}

TEST(TraceGraph, OfNothingIsEmpty) {
  const model::SpanBatch none;
  const TraceGraph graph = TraceGraph::Build(none);
  EXPECT_EQ(graph.size(), 0U);
  EXPECT_EQ(graph.root(), kNoNode);
  EXPECT_TRUE(graph.preorder().empty());
  EXPECT_EQ(Summarize(none), TraceSummary{});
  EXPECT_TRUE(CriticalPath(graph, {}, graph.root()).empty());
}

TEST(TraceGraph, ReportsEqualSpansOnceAndKeepsThemInRaw) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 10);
  const model::SpanRecord copy = maker.batch().spans[0];
  maker.batch().spans.push_back(copy);
  maker.batch().spans.push_back(copy);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  EXPECT_EQ(graph.span_count(), 1U);
  EXPECT_EQ(graph.copies(0), 3U);
  EXPECT_TRUE(graph.warnings().empty());
  AssemblyOptions raw;
  raw.raw = true;
  EXPECT_EQ(TraceGraph::Build(maker.batch(), raw).span_count(), 3U);
  EXPECT_EQ(Summarize(maker.batch()).span_count, 1U);
}

TEST(TraceGraph, KeepsDifferentSpansOfOneIdWithAWarning) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 10);
  maker.Add(1, 0, "a", 0, 11);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  ASSERT_EQ(graph.span_count(), 2U);
  ASSERT_EQ(graph.warnings().size(), 2U);
  EXPECT_EQ(graph.warnings()[0].Text(),
            "other spans of the trace have the same id 0000000000000001");
}

TEST(TraceGraph, PutsTheServerOfASharedSpanUnderItsClient) {
  TraceMaker maker;
  maker.Add(1, 0, "front", 0, 100, SpanKind::kServer);
  maker.Add(2, 1, "front", 10, 80, SpanKind::kClient);
  maker.Add(2, 1, "back", 20, 60, SpanKind::kServer);
  maker.Tag("zipkin.shared", "true", true);
  maker.Add(3, 2, "back", 30, 10);
  maker.Add(4, 2, "elsewhere", 31, 10);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  EXPECT_TRUE(graph.warnings().empty());
  ASSERT_EQ(graph.span_count(), 5U);
  // Nodes are in the order of starts.
  EXPECT_EQ(graph.parent(1), 0U);
  EXPECT_EQ(graph.parent(2), 1U);
  EXPECT_EQ(graph.parent_edge(2), EdgeType::kShared);
  EXPECT_EQ(graph.parent(3), 2U) << "a child of the server's service";
  EXPECT_EQ(graph.parent(4), 1U) << "a child of neither";
}

TEST(TraceGraph, StandsInForMissingParentsAndListsOtherTraces) {
  TraceMaker maker;
  maker.Add(2, 9, "a", 5, 10);
  maker.Refer(ReferenceType::kLink, 77, {1, 8});
  maker.Add(3, 9, "a", 1, 10);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  ASSERT_EQ(graph.size(), 3U);
  EXPECT_TRUE(graph.missing(2));
  EXPECT_EQ(graph.span_id(2), SpanId{9});
  EXPECT_EQ(graph.roots(), std::vector<NodeId>{2});
  EXPECT_EQ(graph.children(2).size(), 2U);
  EXPECT_EQ(graph.root(), NodeOf(graph, 3));
  ASSERT_EQ(graph.foreign_references().size(), 1U);
  EXPECT_EQ(graph.foreign_references()[0].node, NodeOf(graph, 2));
  EXPECT_EQ(Summarize(maker.batch()).orphan_count, 2U);
}

TEST(TraceGraph, HasSeveralParentsAndFollowsFrom) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 10);
  maker.Add(2, 0, "a", 1, 10);
  maker.Refer(ReferenceType::kFollowsFrom, 1);
  maker.Add(3, 2, "a", 2, 10);
  maker.Refer(ReferenceType::kChildOf, 1);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  EXPECT_EQ(graph.parent(1), 0U);
  EXPECT_EQ(graph.parent_edge(1), EdgeType::kFollowsFrom);
  ASSERT_EQ(graph.parents(2).size(), 2U);
  EXPECT_EQ(graph.parents(2)[0].parent, 1U);
  EXPECT_EQ(graph.parents(2)[1].parent, 0U);
  EXPECT_EQ(graph.all_children(0).size(), 2U);
  EXPECT_EQ(graph.subtree(0).size(), 3U);
}

TEST(TraceGraph, CutsACycleAtItsEarliestSpan) {
  TraceMaker maker;
  maker.Add(1, 3, "a", 5, 10);
  maker.Add(2, 1, "a", 4, 10);
  maker.Add(3, 2, "a", 6, 10);
  maker.Add(4, 4, "a", 7, 10);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  EXPECT_EQ(graph.roots(), (std::vector<NodeId>{NodeOf(graph, 2), NodeOf(graph, 4)}));
  ASSERT_EQ(graph.warnings().size(), 2U);
  EXPECT_EQ(graph.warnings()[0].Text(),
            "the reference to 0000000000000001 closes a cycle and is left out");
  EXPECT_EQ(graph.depth(NodeOf(graph, 1)), 2U);
}

// What a span's parents would be before cycles are cut, by looking at every span.
struct NaiveParents {
  NodeId tree = kNoNode;
  bool orphan = false;
  std::set<NodeId> further;
};

class NaiveGraph {
 public:
  explicit NaiveGraph(const TraceGraph& graph) : g_(graph) {
    for (NodeId node = 0; node < g_.span_count(); ++node) parents_.push_back(ParentsOf(node));
    CutTree();
    CutFurther();
  }
  const NaiveParents& Of(NodeId node) const { return parents_[node]; }

 private:
  bool Server(NodeId node) const {
    const auto& span = g_.span(node);
    return span.kind == SpanKind::kServer ||
           model::FindString(g_.batch(), span.attributes, "zipkin.shared") != nullptr;
  }
  // The client of a shared pair of that id.
  NodeId ClientOf(SpanId id) const {
    bool server = false;
    NodeId client = kNoNode;
    for (NodeId node = 0; node < g_.span_count(); ++node) {
      if (g_.span_id(node) != id) continue;
      server |= Server(node);
      if (!Server(node) && g_.span(node).kind == SpanKind::kClient && client == kNoNode)
        client = node;
    }
    return server ? client : kNoNode;
  }
  NodeId Resolve(SpanId id, NodeId from) const {
    NodeId first = kNoNode, same = kNoNode, same_server = kNoNode;
    for (NodeId node = 0; node < g_.span_count(); ++node) {
      if (g_.span_id(node) != id) continue;
      if (first == kNoNode) first = node;
      if (g_.service(node) != g_.service(from)) continue;
      if (same == kNoNode) same = node;
      if (same_server == kNoNode && g_.span(node).kind == SpanKind::kServer) same_server = node;
    }
    if (same_server != kNoNode) return same_server;
    if (same != kNoNode) return same;
    return ClientOf(id) != kNoNode ? ClientOf(id) : first;
  }
  NaiveParents ParentsOf(NodeId node) const {
    NaiveParents parents;
    const auto& span = g_.span(node);
    const NodeId client = ClientOf(span.span_id);
    bool chosen = false;
    if (client != kNoNode && client != node && Server(node)) {
      parents.tree = client;
      chosen = true;
    } else if (!span.parent_id.empty() && span.parent_id != span.span_id) {
      parents.tree = Resolve(span.parent_id, node);
      parents.orphan = parents.tree == kNoNode;
    }
    chosen |= !span.parent_id.empty();
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      const auto& reference = g_.batch().references[span.references.begin + i];
      if (reference.trace_id != span.trace_id || reference.type == ReferenceType::kLink) continue;
      if (reference.span_id == span.span_id) continue;
      const NodeId parent = Resolve(reference.span_id, node);
      if (parent == kNoNode) continue;
      if (!chosen) parents.tree = parent; else parents.further.insert(parent);
      chosen = true;
    }
    parents.further.erase(parents.tree);
    return parents;
  }
  void CutTree() {
    std::vector<NodeId> cut;
    for (NodeId node = 0; node < g_.span_count(); ++node) {
      NodeId at = parents_[node].tree;
      bool earliest = true;
      for (NodeId steps = 0; at != kNoNode && at != node && steps <= g_.span_count(); ++steps) {
        earliest &= at > node;
        at = parents_[at].tree;
      }
      if (at == node && earliest) cut.push_back(node);
    }
    for (const NodeId node : cut) {
      // The reference is gone whole: it may not come back as a further one.
      parents_[node].tree = kNoNode;
    }
  }
  bool Reaches(NodeId from, NodeId to) const {
    std::set<NodeId> seen{from};
    std::vector<NodeId> open{from};
    while (!open.empty()) {
      const NodeId node = open.back();
      open.pop_back();
      std::set<NodeId> next = parents_[node].further;
      if (parents_[node].tree != kNoNode) next.insert(parents_[node].tree);
      if (next.count(to) != 0) return true;
      for (const NodeId parent : next) {
        if (seen.insert(parent).second) open.push_back(parent);
      }
    }
    return false;
  }
  void CutFurther() {
    std::vector<std::pair<NodeId, NodeId>> cut;
    for (NodeId node = 0; node < g_.span_count(); ++node) {
      for (const NodeId parent : parents_[node].further) {
        if (parent == node || Reaches(parent, node)) cut.emplace_back(node, parent);
      }
    }
    for (const auto& [node, parent] : cut) parents_[node].further.erase(parent);
  }

  const TraceGraph& g_;
  std::vector<NaiveParents> parents_;
};

void CheckTree(const TraceGraph& graph) {
  ASSERT_EQ(graph.preorder().size(), graph.size());
  std::set<NodeId> seen;
  for (const NodeId node : graph.preorder()) {
    ASSERT_TRUE(seen.insert(node).second);
    const NodeId parent = graph.parent(node);
    if (parent == kNoNode) {
      EXPECT_EQ(graph.depth(node), 0U);
    } else {
      EXPECT_EQ(seen.count(parent), 1U);
      EXPECT_EQ(graph.depth(node), graph.depth(parent) + 1);
    }
    for (const NodeId below : graph.subtree(node)) {
      NodeId at = below;
      while (at != node && at != kNoNode) at = graph.parent(at);
      EXPECT_EQ(at, node);
    }
    std::size_t size = 1;
    for (const NodeId child : graph.children(node)) size += graph.subtree(child).size();
    EXPECT_EQ(graph.subtree(node).size(), size);
    EXPECT_TRUE(std::is_sorted(graph.children(node).begin(), graph.children(node).end()));
  }
}

// Everything that is said of a graph, with spans by content: equal for every order of the batch.
std::string Describe(const TraceGraph& graph) {
  std::string out;
  for (const NodeId node : graph.preorder()) {
    out += std::to_string(node) + "<" + std::to_string(graph.parent(node)) + ":";
    out += graph.span_id(node).ToHex();
    if (!graph.missing(node)) {
      const auto& span = graph.span(node);
      out += std::string(graph.service(node)) + std::to_string(span.start_ns) + "+" +
             std::to_string(span.duration_ns) + "x" + std::to_string(graph.copies(node));
    }
    for (const ParentEdge& edge : graph.parents(node)) out += " " + std::to_string(edge.parent);
    out += "\n";
  }
  for (const GraphWarning& warning : graph.warnings())
    out += std::to_string(warning.node) + warning.Text() + "\n";
  return out + "root " + std::to_string(graph.root());
}

TraceSummary NaiveSummary(const TraceGraph& graph) {
  TraceSummary summary;
  std::map<std::string, TraceSummary::Service> services;
  for (NodeId node = 0; node < graph.span_count(); ++node) {
    const auto& span = graph.span(node);
    summary.trace_id = span.trace_id;
    ++summary.span_count;
    auto& service = services[std::string(graph.service(node))];
    service.name = graph.service(node);
    ++service.span_count;
    if (span.status == StatusCode::kError) {
      ++summary.error_count;
      ++service.error_count;
    }
    summary.orphan_count += !span.parent_id.empty() && graph.Find(span.parent_id).empty();
    if (!span.has_start()) continue;
    const std::uint64_t end = std::max(span.start_ns, span.start_ns + span.duration_ns);
    summary.start_ns =
        summary.has_start ? std::min(summary.start_ns, span.start_ns) : span.start_ns;
    summary.end_ns = std::max(summary.end_ns, end);
    summary.has_start = true;
  }
  summary.root_service = graph.service(graph.root());
  summary.root_operation = graph.batch().text(graph.span(graph.root()).name);
  for (const auto& [name, service] : services) summary.services.push_back(service);
  return summary;
}

TEST(TraceGraph, EqualsAQuadraticModelOnHostileTraces) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const model::SpanBatch batch = RandomTrace(seed, static_cast<std::uint32_t>(seed % 40 + 1));
    const TraceGraph graph = TraceGraph::Build(batch);
    std::size_t copies = 0;
    for (NodeId a = 0; a < graph.span_count(); ++a) {
      copies += graph.copies(a);
      for (NodeId b = 0; b < a; ++b)
        ASSERT_FALSE(model::SpansEqual(batch, graph.span(a), batch, graph.span(b)));
    }
    ASSERT_EQ(copies, batch.size());
    CheckTree(graph);
    const NaiveGraph naive(graph);
    for (NodeId node = 0; node < graph.span_count(); ++node) {
      const NaiveParents& expected = naive.Of(node);
      const NodeId parent = graph.parent(node);
      if (expected.orphan) {
        ASSERT_TRUE(parent != kNoNode && graph.missing(parent));
        EXPECT_EQ(graph.span_id(parent), graph.span(node).parent_id);
      } else {
        EXPECT_EQ(parent, expected.tree) << node;
      }
      std::set<NodeId> further;
      for (const ParentEdge& edge : graph.parents(node)) {
        if (edge.parent != parent) further.insert(edge.parent);
      }
      EXPECT_EQ(further, expected.further) << node;
    }
    const model::SpanBatch other = Shuffled(batch, seed);
    ASSERT_EQ(Describe(graph), Describe(TraceGraph::Build(other)));
    ASSERT_EQ(Summarize(batch), NaiveSummary(graph));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(SubtreeRows, EqualsReachabilityByParentIds) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const model::SpanBatch batch = RandomTrace(seed, static_cast<std::uint32_t>(seed % 30 + 1));
    const SpanId top = batch.spans[seed % batch.size()].span_id;
    std::set<SpanId> ids{top};
    for (std::size_t round = 0; round < batch.size(); ++round) {
      for (const auto& span : batch.spans) {
        if (ids.count(span.parent_id) != 0) ids.insert(span.span_id);
      }
    }
    std::set<std::uint32_t> expected;
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      const auto& span = batch.spans[row];
      if (span.span_id == top || ids.count(span.parent_id) != 0) expected.insert(row);
    }
    const auto rows = SubtreeRows(batch, top);
    EXPECT_EQ(std::set<std::uint32_t>(rows.begin(), rows.end()), expected);
    EXPECT_EQ(rows.size(), expected.size());
  }
}

// Everything this room computes, on a trace of a million spans.
void RunAll(const model::SpanBatch& batch, std::uint32_t spans) {
  const TraceGraph graph = TraceGraph::Build(batch);
  ASSERT_EQ(graph.span_count(), spans);
  EXPECT_EQ(graph.subtree(graph.root()).size(), spans);
  const ClockSkew skew = FindClockSkew(graph, {1'000'000'000});
  const auto intervals = IntervalsOf(graph, &skew);
  const auto self = SelfTimes(graph, intervals);
  const auto path = CriticalPath(graph, intervals, graph.root());
  ASSERT_FALSE(path.empty());
  EXPECT_EQ(path.front().begin_ns, intervals[graph.root()].begin_ns);
  EXPECT_EQ(path.back().end_ns, intervals[graph.root()].end_ns);
  EXPECT_FALSE(TimeByOperation(graph, intervals, self, path).empty());
  EXPECT_FALSE(JaegerLinks(graph).empty());
  ZipkinLinks(graph);
  EXPECT_EQ(Summarize(batch).span_count, spans);
  EXPECT_EQ(SubtreeRows(batch, {1}).size(), spans);
}

constexpr std::uint32_t kMillion = 1'000'000;

// `spans` copies of two spans, of the services a and b in turn, changed by `change`.
template <typename Change>
model::SpanBatch ManySpans(std::uint32_t spans, Change&& change) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 0);
  maker.Add(2, 0, "b", 0, 0);
  const auto patterns = maker.batch().spans;
  maker.batch().spans.clear();
  for (std::uint32_t i = 0; i < spans; ++i) {
    model::SpanRecord span = patterns[i % 2];
    span.span_id = {i + 1};
    change(i, span);
    maker.batch().spans.push_back(span);
  }
  return std::move(maker.batch());
}

TEST(TraceGraph, TakesAChainOfAMillionSpans) {
  RunAll(ManySpans(kMillion,
                   [](std::uint32_t i, model::SpanRecord& span) {
                     span.parent_id = {i};
                     span.start_ns = i;
                     span.duration_ns = 3 * kMillion - 2 * i;
                     span.kind = static_cast<SpanKind>(i % 3 + 1);
                   }),
         kMillion);
}

TEST(TraceGraph, TakesAStarOfAMillionSpans) {
  RunAll(ManySpans(kMillion,
                   [](std::uint32_t i, model::SpanRecord& span) {
                     span.parent_id = {i == 0 ? 0U : 1U};
                     span.start_ns = i;
                     span.duration_ns = i == 0 ? kMillion : 5;
                     span.kind = SpanKind::kServer;
                   }),
         kMillion);
}

TEST(TraceGraph, TakesManySpansOfOneId) {
  TraceMaker maker;
  constexpr std::uint32_t kSpans = 100'000;
  for (std::uint32_t i = 0; i < kSpans; ++i) {
    maker.Add(1, i % 2 == 0 ? 1 : 0, "a", i, 5);
    if (i % 3 == 0) maker.Refer(ReferenceType::kFollowsFrom, 1);
  }
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  EXPECT_EQ(graph.span_count(), kSpans);
  EXPECT_EQ(FindClockSkew(graph).warnings.size(), kSpans - 1);
  EXPECT_EQ(SubtreeRows(maker.batch(), {1}).size(), kSpans);
}

}  // namespace
}  // namespace tracestore::assembly
