#include "assembly/timing.h"

#include <gtest/gtest.h>

#include <functional>

#include "assembly/clock_skew.h"
#include "assembly/trace_test_util.h"

namespace tracestore::assembly {
namespace {

std::string Path(const TraceGraph& graph, const std::vector<PathSegment>& path) {
  std::string out;
  for (const PathSegment& segment : path) {
    if (!out.empty()) out += " ";
    out += std::to_string(graph.span_id(segment.node).value) + ":" +
           std::to_string(segment.begin_ns) + "-" + std::to_string(segment.end_ns);
  }
  return out;
}

TEST(CriticalPath, GoesBackFromTheEndThroughTheChildThatEndedLast) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 100);
  maker.Add(2, 1, "b", 10, 30);            // 10-40, waited for
  maker.Add(3, 1, "c", 35, 45);            // 35-80, ended last
  maker.Add(4, 3, "d", 40, 20);            // 40-60
  maker.Add(5, 1, "e", 20, 10);            // beside 3? no: ends at 30, before 35
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  const auto intervals = IntervalsOf(graph);
  EXPECT_EQ(Path(graph, CriticalPath(graph, intervals, graph.root())),
            "1:0-20 5:20-30 1:30-35 3:35-40 4:40-60 3:60-80 1:80-100");
}

TEST(CriticalPath, CutsChildrenThatOutliveTheirParentAndLeavesOutThoseThatFollow) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 10, 90);
  maker.Add(2, 1, "b", 50, 100);  // outlives 1
  maker.Add(3, 1, "c", 100, 5);   // begins at its end
  maker.Add(4, 1, "d", 0, 30);    // begins before 1
  maker.Add(5, 0, "e", 40, 9);
  maker.Refer(ReferenceType::kFollowsFrom, 1);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  const auto intervals = IntervalsOf(graph);
  EXPECT_EQ(Path(graph, CriticalPath(graph, intervals, graph.root())), "4:10-30 1:30-50 2:50-100");
}

TEST(SelfTime, IsTheIntervalLessTheUnionOfTheChildren) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 100);
  maker.Add(2, 1, "b", 10, 30);
  maker.Add(3, 1, "c", 35, 45);
  maker.Add(4, 1, "d", 90, 500);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  const auto intervals = IntervalsOf(graph);
  const auto self = SelfTimes(graph, intervals);
  EXPECT_EQ(self[graph.root()], 100U - 70U - 10U);
  const auto path = CriticalPath(graph, intervals, graph.root());
  const auto sums = TimeByOperation(graph, intervals, self, path);
  ASSERT_EQ(sums.size(), 4U);
  EXPECT_EQ(sums[0].service, "a");
  EXPECT_EQ(sums[0].self_ns, 20U);
  EXPECT_EQ(sums[3].total_ns, 500U);
  EXPECT_EQ(sums[3].critical_ns, 10U);
}

using Recurse = std::function<void(NodeId, std::uint64_t, std::uint64_t)>;

TEST(Timing, EqualsSimpleModelsOnHostileTraces) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const model::SpanBatch batch = RandomTrace(seed, static_cast<std::uint32_t>(seed % 40 + 1));
    const TraceGraph graph = TraceGraph::Build(batch);
    const auto intervals = IntervalsOf(graph);
    const auto self = SelfTimes(graph, intervals);
    for (NodeId node = 0; node < graph.span_count(); ++node) {
      std::uint64_t expected = 0;
      for (std::uint64_t t = intervals[node].begin_ns; t < intervals[node].end_ns; ++t) {
        bool covered = false;
        for (const NodeId child : graph.children(node))
          covered |= intervals[child].begin_ns <= t && t < intervals[child].end_ns;
        expected += !covered;
      }
      ASSERT_EQ(self[node], expected);
    }
    if (!graph.span(graph.root()).has_start()) continue;
    // Moment by moment, from the end: who is waited for at [t, t + 1)?
    std::vector<PathSegment> expected;
    const Recurse walk = [&](NodeId node, std::uint64_t begin, std::uint64_t end) {
      std::uint64_t t = end;
      while (t > begin) {
        NodeId next = kNoNode;
        std::uint64_t from = 0;
        std::uint64_t last = 0;
        for (const NodeId child : graph.children(node)) {
          if (graph.parent_edge(child) == EdgeType::kFollowsFrom) continue;
          const std::uint64_t b = std::max(begin, intervals[child].begin_ns);
          const std::uint64_t e = std::min(end, intervals[child].end_ns);
          if (b >= e || e > t) continue;
          if (next == kNoNode || e > last || (e == last && b < from)) {
            next = child;
            from = b;
            last = e;
          }
        }
        if (next == kNoNode) last = begin;
        if (last < t) expected.insert(expected.begin(), {node, last, t});
        if (next == kNoNode) break;
        walk(next, from, last);
        t = from;
      }
    };
    const Interval& all = intervals[graph.root()];
    walk(graph.root(), all.begin_ns, all.end_ns);
    ASSERT_EQ(Path(graph, CriticalPath(graph, intervals, graph.root())), Path(graph, expected));
  }
}

TEST(ClockSkew, MovesAServersSpanIntoItsClientsAndWhatIsBelow) {
  TraceMaker maker;
  maker.Add(1, 0, "front", 1000, 100);
  maker.Add(2, 1, "back", 5000, 60);
  maker.Add(3, 2, "back", 5010, 10);
  maker.Add(4, 1, "front", 9000, 5);  // of the parent's process: never moved
  maker.Add(5, 1, "slow", 900, 500);  // outlives its parent: only not before it
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  const ClockSkew skew = FindClockSkew(graph, {1'000'000});
  const auto start = [&](std::uint64_t id) { return skew.start_ns[graph.Find({id})[0]]; };
  EXPECT_EQ(start(1), 1000U);
  EXPECT_EQ(start(2), 1020U);
  EXPECT_EQ(start(3), 1030U);
  EXPECT_EQ(start(4), 9000U);
  EXPECT_EQ(start(5), 1000U);
  EXPECT_TRUE(skew.warnings.empty());
}

TEST(ClockSkew, KnowsAClockByItsHost) {
  TraceMaker maker;
  maker.Add(1, 0, "front", 1000, 100);
  maker.OnHost("h1");
  maker.Add(2, 1, "back", 5000, 60);
  maker.OnHost("h1");
  maker.Add(3, 1, "front", 5000, 60);
  maker.OnHost("h2");
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  const ClockSkew skew = FindClockSkew(graph, {1'000'000});
  EXPECT_EQ(skew.delta_ns[graph.Find({2})[0]], 0);
  EXPECT_EQ(skew.delta_ns[graph.Find({3})[0]], -3980);
}

TEST(ClockSkew, TakesTimesAsFarApartAsTheyGo) {
  TraceMaker maker;
  maker.Add(1, 0, "front", 0x7FFF'FFFF'FFFF'FFFF, 1'000'000);
  maker.Add(2, 1, "back", 1, 0);
  maker.Add(3, 1, "slow", ~std::uint64_t{0}, 0);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  const ClockSkew skew = FindClockSkew(graph, {1'000'000});
  EXPECT_EQ(skew.delta_ns[graph.Find({2})[0]], 0);
  EXPECT_EQ(skew.delta_ns[graph.Find({3})[0]], 0);
  EXPECT_EQ(skew.warnings.size(), 2U);
}

TEST(ClockSkew, WarnsInJaegersWords) {
  TraceMaker maker;
  maker.Add(1, 0, "front", 1'000'000'000, 100);
  maker.Add(2, 1, "back", 2'500'000'100, 100);
  maker.Add(3, 9, "back", 1'000'000'001, 100);
  maker.Add(1, 0, "other", 1'000'000'002, 100);
  const TraceGraph graph = TraceGraph::Build(maker.batch());
  const auto texts = [&](std::uint64_t most) {
    std::vector<std::string> list;
    for (const auto& warning : FindClockSkew(graph, {most}).warnings) list.push_back(warning.text);
    return list;
  };
  EXPECT_EQ(texts(0),
            (std::vector<std::string>{
                "parent span ID=0000000000000009 is not in the trace; "
                "skipping clock skew adjustment",
                "duplicate span IDs; skipping clock skew adjustment",
                "clock skew adjustment disabled; not applying calculated delta of -1.5000001s"}));
  EXPECT_EQ(texts(1'000'000).back(),
            "max clock skew adjustment delta of 1ms exceeded; not applying calculated delta of "
            "-1.5000001s");
}

TEST(FormatGoDuration, PrintsAsGoDoes) {
  EXPECT_EQ(FormatGoDuration(0), "0s");
  EXPECT_EQ(FormatGoDuration(999), "999ns");
  EXPECT_EQ(FormatGoDuration(1'100), "1.1\xC2\xB5s");
  EXPECT_EQ(FormatGoDuration(2'200'000), "2.2ms");
  EXPECT_EQ(FormatGoDuration(-300'000'000), "-300ms");
  EXPECT_EQ(FormatGoDuration(60'000'000'000), "1m0s");
  EXPECT_EQ(FormatGoDuration(5'400'000'000'001), "1h30m0.000000001s");
  EXPECT_EQ(FormatGoDuration(std::numeric_limits<std::int64_t>::min()),
            "-2562047h47m16.854775808s");
}

}  // namespace
}  // namespace tracestore::assembly
