#include "query/call_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "assembly/trace_test_util.h"

namespace tracestore::query {
namespace {

using assembly::kNoNode;
using assembly::NodeId;
using assembly::TraceGraph;
using assembly::TraceMaker;
using testing::ElementsAre;
using testing::IsEmpty;

std::string Text(const std::vector<CallPath>& paths) {
  std::string out;
  for (const CallPath& path : paths) {
    out += out.empty() ? "" : " | ";
    for (const CallHop& hop : path.hops)
      out += (&hop == path.hops.data() ? "" : ">") + hop.service + ":" + hop.operation;
  }
  return out;
}

std::string Paths(TraceMaker& maker, const std::string& service,
                  const std::string& operation = "") {
  CallPathTally tally({.service = service, .operation = operation});
  tally.Add(TraceGraph::Build(maker.batch()));
  return Text(tally.Paths());
}

// A shop: front calls cart twice, inside itself and over a client; cart calls the db and itself.
void FillShop(TraceMaker& maker) {
  maker.Add(1, 0, "front", 0, 100, SpanKind::kServer);
  maker.Add(2, 1, "front", 1, 90);
  maker.Add(3, 2, "front", 2, 80, SpanKind::kClient);
  maker.Add(4, 3, "cart", 3, 70, SpanKind::kServer);
  maker.Add(5, 4, "cart", 4, 10, SpanKind::kClient);
  maker.Add(6, 5, "db", 5, 5, SpanKind::kClient);
  maker.Add(7, 4, "cart", 20, 10, SpanKind::kServer);
  maker.Add(8, 1, "mail", 50, 10, SpanKind::kConsumer);
}

TEST(CallPaths, KeepWhereTheServiceChangesAndServers) {
  TraceMaker maker;
  FillShop(maker);
  EXPECT_EQ(Paths(maker, "cart"), "front:op1>cart:op4>cart:op7 | front:op1>cart:op4>db:op6");
  EXPECT_EQ(Paths(maker, "mail"), "front:op1>mail:op8");
  EXPECT_EQ(Paths(maker, "cart", "op7"), "front:op1>cart:op4>cart:op7");
  // What is passed over is no entry.
  EXPECT_EQ(Paths(maker, "cart", "op5"), "");
  EXPECT_EQ(Paths(maker, "nobody"), "");
  EXPECT_EQ(Paths(maker, "front"),
            "front:op1>cart:op4>cart:op7 | front:op1>cart:op4>db:op6 | front:op1>mail:op8");
}

TEST(CallPaths, BeginAtRootsAndBelowMissingParents) {
  TraceMaker maker;
  maker.Add(1, 99, "a", 0, 10);
  maker.Add(2, 1, "b", 1, 5);
  maker.Add(3, 99, "b", 2, 5);
  EXPECT_EQ(Paths(maker, "b"), "a:op1>b:op2 | b:op3");
}

TEST(CallPaths, NameTracesThatTookThemEachOnce) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 10);
  maker.Add(2, 1, "b", 1, 5).name = maker.batch().strings.Intern("x");
  maker.Add(3, 1, "b", 2, 5).name = maker.batch().strings.Intern("x");
  CallPathTally tally({.service = "b", .operation = "", .max_exemplars = 2});
  for (std::uint64_t trace : {9, 8, 7}) {
    for (auto& span : maker.batch().spans) span.trace_id = {0, trace};
    tally.Add(TraceGraph::Build(maker.batch()));
  }
  const auto paths = tally.Paths();
  ASSERT_EQ(paths.size(), 1U);
  EXPECT_THAT(paths[0].exemplars, ElementsAre(TraceId{0, 9}, TraceId{0, 8}));
}

// A chain of calls that goes back and forth, as long as a trace may be, and one with as many
// leaves.
TEST(CallPaths, AreBounded) {
  TraceMaker chain;
  constexpr std::uint64_t kLength = 50'000;
  for (std::uint64_t id = 1; id <= kLength; ++id)
    chain.Add(id, id - 1, id % 2 == 0 ? "a" : "b", id, 1);
  CallPathTally deep({.service = "a"});
  deep.Add(TraceGraph::Build(chain.batch()));
  EXPECT_THAT(deep.Paths(), IsEmpty());

  TraceMaker fan;
  fan.Add(1, 0, "a", 0, 10);
  for (std::uint64_t id = 2; id <= 100; ++id) fan.Add(id, 1, "b", id, 1);
  CallPathTally few({.service = "a", .operation = "", .max_hops = 11});
  few.Add(TraceGraph::Build(fan.batch()));
  EXPECT_EQ(few.Paths().size(), 10U);
  CallPathTally short_names({.service = "a", .operation = "", .max_name_bytes = 11});
  short_names.Add(TraceGraph::Build(fan.batch()));
  EXPECT_LT(short_names.Paths().size(), 3U);
  CallPathTally told({.service = "a", .operation = "", .max_told_hops = 21});
  told.Add(TraceGraph::Build(fan.batch()));
  EXPECT_EQ(told.Paths().size(), 10U);
}

// Every way down from a node, as a list.
void Descend(const TraceGraph& graph, NodeId node, std::vector<NodeId> way,
             std::vector<std::vector<NodeId>>& ways) {
  if (graph.missing(node)) {
    way.clear();
  } else {
    way.push_back(node);
  }
  if (graph.children(node).empty()) ways.push_back(way);
  for (const NodeId child : graph.children(node)) Descend(graph, child, way, ways);
}

std::set<std::vector<CallHop>> SimplePaths(const TraceGraph& graph, const std::string& service,
                                           const std::string& operation) {
  std::vector<std::vector<NodeId>> ways;
  for (const NodeId root : graph.roots()) Descend(graph, root, {}, ways);
  std::set<std::vector<CallHop>> paths;
  for (const auto& way : ways) {
    std::vector<CallHop> hops;
    for (const NodeId node : way) {
      const std::string of(graph.service(node));
      const bool kept = hops.empty() || hops.back().service != of ||
                        graph.span(node).kind == SpanKind::kServer;
      if (kept) hops.push_back({of, std::string(graph.batch().text(graph.span(node).name))});
    }
    const bool focal = std::any_of(hops.begin(), hops.end(), [&](const CallHop& hop) {
      return hop.service == service && (operation.empty() || hop.operation == operation);
    });
    if (focal) paths.insert(hops);
  }
  return paths;
}

TEST(CallPaths, EqualASimpleModelOnHostileTraces) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<model::SpanBatch> traces;
    for (std::uint64_t i = 0; i < 3; ++i)
      traces.push_back(assembly::RandomTrace(seed * 3 + i,
                                             static_cast<std::uint32_t>(seed % 30 + 1)));
    std::set<std::string> services, operations = {""};
    for (const auto& trace : traces) {
      for (const auto& span : trace.spans) {
        services.emplace(model::ServiceOf(trace, span));
        operations.emplace(trace.text(span.name));
      }
    }
    while (operations.size() > 4) operations.erase(std::prev(operations.end()));
    for (const std::string& service : services) {
      for (const std::string& operation : operations) {
        CallPathTally tally({.service = service, .operation = operation});
        std::set<std::vector<CallHop>> expected, got;
        for (const auto& trace : traces) {
          const TraceGraph graph = TraceGraph::Build(trace);
          tally.Add(graph);
          expected.merge(SimplePaths(graph, service, operation));
        }
        for (const CallPath& path : tally.Paths()) {
          EXPECT_TRUE(got.insert(path.hops).second) << "a path stands twice";
          EXPECT_FALSE(path.exemplars.empty());
        }
        ASSERT_EQ(got, expected) << service << " " << operation;
      }
    }
  }
}

}  // namespace
}  // namespace tracestore::query
