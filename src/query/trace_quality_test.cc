#include "query/trace_quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

std::string Text(const QualityMeasure& measure) {
  return std::to_string(measure.passed.count) + "/" + std::to_string(measure.failed.count) + "/" +
         std::to_string(measure.exempt.count);
}

TraceQuality Quality(TraceMaker& maker, const std::string& service) {
  TraceQualityTally tally(service);
  tally.Add(TraceGraph::Build(maker.batch()));
  return tally.quality();
}

TEST(TraceQuality, CallsAreSeenFromBothEnds) {
  TraceMaker maker;
  maker.Add(1, 0, "front", 0, 100, SpanKind::kServer);  // nobody's child: says nothing
  maker.Add(2, 1, "front", 1, 50, SpanKind::kClient);
  maker.Add(3, 2, "cart", 2, 40, SpanKind::kServer);
  maker.Add(4, 1, "front", 60, 10, SpanKind::kClient);
  maker.Add(5, 4, "cart", 61, 5);  // answers, and isn't a server
  maker.Add(6, 1, "cart", 70, 5, SpanKind::kServer);  // called, and not by a client
  maker.Add(7, 1, "front", 80, 5, SpanKind::kClient);
  maker.Tag("peer.service", "cart");  // no answer
  maker.Add(8, 0, "mail", 90, 5, SpanKind::kServer);
  maker.Tag("peer.service", "front");
  const TraceQuality cart = Quality(maker, "cart");
  EXPECT_EQ(Text(cart.server_tag), "1/2/0");
  EXPECT_EQ(Text(cart.client_tag), "0/0/0");
  const TraceQuality front = Quality(maker, "front");
  EXPECT_EQ(Text(front.server_tag), "0/0/0");
  EXPECT_EQ(Text(front.client_tag), "1/2/0");
  ASSERT_EQ(front.client_tag.failed.examples.size(), 1U);
  EXPECT_EQ(front.client_tag.failed.examples[0].trace_id, (TraceId{0, 7}));
  EXPECT_THAT(front.client_tag.failed.examples[0].span_ids, ElementsAre(SpanId{1}, SpanId{8}));
}

TEST(TraceQuality, IdsAreUniqueButForTheHalvesOfASharedSpan) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 100);
  maker.Add(2, 1, "a", 1, 50);
  maker.Add(2, 1, "a", 5, 50);
  maker.Add(3, 1, "a", 6, 50, SpanKind::kClient);
  maker.Add(3, 1, "b", 7, 50, SpanKind::kServer);
  EXPECT_EQ(Text(Quality(maker, "a").unique_ids), "1/2/1");
  EXPECT_EQ(Text(Quality(maker, "b").unique_ids), "0/0/1");
}

TEST(TraceQuality, ClientLibrariesAreCounted) {
  TraceMaker maker;
  maker.Add(1, 0, "a", 0, 100);
  maker.Tag("jaeger.version", "Go-2.30.0");
  maker.Add(2, 1, "a", 1, 100);
  maker.Tag("jaeger.version", "Go-2.30.0");
  maker.Add(3, 1, "a", 2, 100);
  maker.Tag("jaeger.version", "Perl-1.0");
  maker.Add(4, 1, "a", 3, 100);
  for (auto& resource : maker.batch().resources) resource.origin = Origin::kJaeger;
  const TraceQuality quality = Quality(maker, "a");
  EXPECT_EQ(Text(quality.client_version), "2/2/0");
  ASSERT_EQ(quality.clients.size(), 2U);
  EXPECT_EQ(quality.clients.at("go-2.30.0").spans.count, 2U);
  EXPECT_EQ(quality.clients.at("go-2.30.0").minimum, "go-2.22.0");
  EXPECT_EQ(quality.clients.at("perl-1.0").minimum, "");
  for (auto& resource : maker.batch().resources) resource.origin = Origin::kZipkin;
  EXPECT_EQ(Text(Quality(maker, "a").client_version), "2/1/1");
}

TEST(TraceQuality, VersionsCompareAsNumbers) {
  for (const char* recent :
       {"go-2.22.0", "go-2.22", "go-3", "go-2.100.0", "node-3.17.1", "java-1", "python-4.0.0.1",
        "opentelemetry-go-1.0.0", "opentelemetry-rust-0.21.2", "opentelemetry-java-2.0"}) {
    EXPECT_TRUE(IsRecentClient(recent)) << recent;
  }
  for (const char* not_recent :
       {"", "go", "go-", "-1", "go-2.21.9", "go-2.30.0-rc1", "go-2.x", "go-9..1", "go-3.1.rc",
        "go-2 .30", "cobol-1.0", "go-99999999999999999999", "opentelemetry-", "opentelemetry-go",
        "opentelemetry-go-0.9", "opentelemetry-go-1.0.0-beta", "opentelemetry-zig-1.0"}) {
    EXPECT_FALSE(IsRecentClient(not_recent)) << not_recent;
  }
  EXPECT_EQ(LeastClientVersion("opentelemetry-rust-0.1"), "opentelemetry-rust-0.20.0");
  EXPECT_EQ(LeastClientVersion("x"), "");
}

TEST(TraceQuality, ExamplesAndLibrariesAreBounded) {
  TraceMaker maker;
  for (std::uint64_t id = 1; id <= 300; ++id) {
    maker.Add(id, 0, "a", id, 1);
    maker.Tag("jaeger.version", "go-" + std::to_string(id));
  }
  TraceQualityTally tally("a");
  for (std::uint64_t trace = 1; trace <= 30; ++trace) {
    for (auto& span : maker.batch().spans) span.trace_id = {0, trace};
    tally.Add(TraceGraph::Build(maker.batch()));
  }
  const TraceQuality& quality = tally.quality();
  EXPECT_EQ(quality.unique_ids.passed.count, 9'000U);
  ASSERT_EQ(quality.unique_ids.passed.examples.size(), kMostExamples);
  for (const auto& example : quality.unique_ids.passed.examples)
    EXPECT_EQ(example.span_ids.size(), kMostExampleSpans);
  EXPECT_EQ(quality.unique_ids.passed.examples.back().trace_id, (TraceId{0, kMostExamples}));
  EXPECT_EQ(quality.clients.size(), 100U);
}

// By each span's own look at all others.
TEST(TraceQuality, EqualsASimpleModelOnHostileTraces) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const model::SpanBatch batch =
        assembly::RandomTrace(seed, static_cast<std::uint32_t>(seed % 40 + 1));
    const TraceGraph graph = TraceGraph::Build(batch);
    std::set<std::string> services;
    for (NodeId node = 0; node < graph.span_count(); ++node) services.emplace(graph.service(node));
    for (const std::string& service : services) {
      std::map<std::string, int> expected;
      for (NodeId one = 0; one < graph.span_count(); ++one) {
        int same = 0, shared = 0;
        bool below = false;
        for (NodeId other = 0; other < graph.span_count(); ++other) {
          if (graph.span_id(other) == graph.span_id(one)) {
            ++same;
            shared += graph.parent_edge(other) == assembly::EdgeType::kShared;
          }
          if (graph.parent(other) != one) continue;
          const bool called = graph.span(one).kind == SpanKind::kClient;
          const bool answered = graph.span(other).kind == SpanKind::kServer;
          if (called && graph.service(other) == service) ++expected[answered ? "s+" : "s-"];
          if (answered && graph.service(one) == service) ++expected[called ? "c+" : "c-"];
          below = true;
        }
        const model::Attribute* const tag =
            FindString(batch, graph.span(one).attributes, "peer.service");
        const bool peer = tag != nullptr && !service.empty() &&
                          batch.text(static_cast<model::StringId>(tag->bits)) == service;
        const NodeId parent = graph.parent(one);
        const bool top = parent == kNoNode || graph.missing(parent);
        if (peer && graph.span(one).kind == SpanKind::kClient && !below) ++expected["s-"];
        if (peer && graph.span(one).kind == SpanKind::kServer && top) ++expected["c-"];
        if (graph.service(one) != service) continue;
        ++expected[same == 1 ? "u+" : same == 2 && shared > 0 ? "u0" : "u-"];
      }
      TraceQualityTally tally(service);
      tally.Add(graph);
      const TraceQuality& quality = tally.quality();
      EXPECT_EQ(Text(quality.server_tag), std::to_string(expected["s+"]) + "/" +
                                              std::to_string(expected["s-"]) + "/0")
          << service;
      EXPECT_EQ(Text(quality.client_tag), std::to_string(expected["c+"]) + "/" +
                                              std::to_string(expected["c-"]) + "/0")
          << service;
      EXPECT_EQ(Text(quality.unique_ids),
                std::to_string(expected["u+"]) + "/" + std::to_string(expected["u-"]) + "/" +
                    std::to_string(expected["u0"]))
          << service;
    }
  }
}

}  // namespace
}  // namespace tracestore::query
