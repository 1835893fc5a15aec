#include "assembly/links.h"

#include <gtest/gtest.h>

#include <map>

#include "assembly/trace_test_util.h"

namespace tracestore::assembly {
namespace {

std::string Text(const std::vector<ServiceLink>& links) {
  std::string out;
  for (const ServiceLink& link : links) {
    if (!out.empty()) out += " ";
    out += link.parent + ">" + link.child + ":" + std::to_string(link.calls) + "/" +
           std::to_string(link.errors);
  }
  return out;
}
std::string Zipkin(TraceMaker& maker) {
  return Text(ZipkinLinks(TraceGraph::Build(maker.batch())));
}
std::string Jaeger(TraceMaker& maker) {
  return Text(JaegerLinks(TraceGraph::Build(maker.batch())));
}

TEST(JaegerLinks, CountsCallsBetweenServices) {
  TraceMaker maker;
  maker.Add(1, 0, "front", 0, 100);
  maker.Add(2, 1, "front", 1, 50);
  maker.Add(3, 2, "back", 2, 10).status = StatusCode::kError;
  maker.Add(4, 2, "back", 3, 10);
  maker.Add(5, 99, "lost", 4, 10);
  maker.Add(6, 4, "db", 5, 10);
  maker.Refer(ReferenceType::kFollowsFrom, 1);
  maker.Add(7, 1, "", 6, 10);
  EXPECT_EQ(Jaeger(maker), "back>db:1/0 front>back:2/1 front>db:1/0");
}

TEST(JaegerLinks, EqualsASimpleModelOnHostileTraces) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const model::SpanBatch batch = RandomTrace(seed, static_cast<std::uint32_t>(seed % 40 + 1));
    const TraceGraph graph = TraceGraph::Build(batch);
    std::map<std::pair<std::string, std::string>, std::pair<int, int>> expected;
    for (NodeId parent = 0; parent < graph.span_count(); ++parent) {
      for (const NodeId child : graph.all_children(parent)) {
        const std::string from(graph.service(parent));
        const std::string to(graph.service(child));
        if (from.empty() || to.empty() || from == to) continue;
        ++expected[{from, to}].first;
        expected[{from, to}].second += graph.span(child).status == StatusCode::kError;
      }
    }
    std::string text;
    for (const auto& [names, counts] : expected) {
      if (!text.empty()) text += " ";
      text += names.first + ">" + names.second + ":" + std::to_string(counts.first) + "/" +
              std::to_string(counts.second);
    }
    EXPECT_EQ(Text(JaegerLinks(graph)), text);
  }
}

TEST(ZipkinLinks, PrefersTheServersNameAndTakesTheClientsError) {
  TraceMaker maker;
  maker.Add(1, 0, "web", 0, 100, SpanKind::kServer);
  maker.Add(2, 1, "web", 1, 90, SpanKind::kClient);
  maker.Tag("peer.service", "wrong-name");
  maker.Tag("error", "false");
  maker.Add(2, 1, "app", 2, 80, SpanKind::kServer);
  maker.Tag("zipkin.shared", "true", true);
  EXPECT_EQ(Zipkin(maker), "web>app:1/1");
}

TEST(ZipkinLinks, TakesTheRemoteNameWhereNoServerReported) {
  TraceMaker maker;
  maker.Add(1, 0, "web", 0, 100, SpanKind::kServer);
  maker.Add(2, 1, "web", 1, 90, SpanKind::kClient);
  maker.Tag("peer.service", "db");
  EXPECT_EQ(Zipkin(maker), "web>db:1/0");
}

TEST(ZipkinLinks, SkipsARootServerWithoutAKnownClient) {
  TraceMaker maker;
  maker.Add(1, 0, "web", 0, 100, SpanKind::kServer);
  EXPECT_EQ(Zipkin(maker), "");
  TraceMaker known;
  known.Add(1, 0, "web", 0, 100, SpanKind::kServer);
  known.Tag("peer.service", "browser");
  EXPECT_EQ(Zipkin(known), "browser>web:1/0");
}

TEST(ZipkinLinks, LooksThroughSpansWithoutKind) {
  TraceMaker maker;
  maker.Add(1, 0, "web", 0, 100, SpanKind::kServer);
  maker.Add(2, 1, "web", 1, 90, SpanKind::kInternal);
  maker.Add(3, 2, "web", 2, 80, SpanKind::kUnspecified);
  maker.Add(4, 3, "app", 3, 70, SpanKind::kServer);
  EXPECT_EQ(Zipkin(maker), "web>app:1/0");
}

TEST(ZipkinLinks, TakesASpanWithoutKindAsAClientIfBothEndsAreKnown) {
  TraceMaker maker;
  maker.Add(1, 0, "web", 0, 100, SpanKind::kUnspecified);
  maker.Tag("peer.service", "db");
  EXPECT_EQ(Zipkin(maker), "web>db:1/0");
}

TEST(ZipkinLinks, BackfillsAMissingServerSpan) {
  TraceMaker maker;
  maker.Add(1, 0, "web", 0, 100, SpanKind::kServer);
  maker.Add(2, 1, "app", 1, 90, SpanKind::kClient);
  maker.Tag("peer.service", "db");
  maker.Tag("error", "");
  EXPECT_EQ(Zipkin(maker), "app>db:1/1 web>app:1/0");
}

TEST(ZipkinLinks, LinksMessagesToTheBrokerOnly) {
  TraceMaker maker;
  maker.Add(1, 0, "shop", 0, 10, SpanKind::kProducer);
  maker.Tag("peer.service", "kafka");
  maker.Add(2, 1, "mail", 20, 10, SpanKind::kConsumer);
  maker.Tag("peer.service", "kafka");
  maker.Add(3, 1, "unknown-broker", 21, 10, SpanKind::kConsumer);
  EXPECT_EQ(Zipkin(maker), "kafka>mail:1/0 shop>kafka:1/0");
}

TEST(ZipkinLinks, HangsOrphansUnderTheRoot) {
  TraceMaker maker;
  maker.Add(1, 0, "web", 5, 100, SpanKind::kServer);
  maker.Add(3, 99, "app", 1, 70, SpanKind::kServer);
  EXPECT_EQ(Zipkin(maker), "web>app:1/0");
}

}  // namespace
}  // namespace tracestore::assembly
