// What the store's index proposes misses no trace that Zipkin's rule finds: random searches over
// random traces of both worlds, against the rule applied to every trace.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "codec/zipkin/zipkin_text.h"
#include "server/zipkin/zipkin_search.h"
#include "server/zipkin/zipkin_world_test_support.h"

namespace tracestore::server {
namespace {

using testing::kBeginUs;
using testing::kKeys;
using testing::kNames;
using testing::kServices;
using testing::kStretchUs;
using testing::kValues;
using testing::World;

ZipkinSearch RandomSearch(World& world) {
  ZipkinSearch search;
  const auto name = [&](auto& from) {
    return world.Below(3) == 0 ? codec::ZipkinLowerCase(world.Pick(from)) : "";
  };
  search.service = name(kServices);
  search.remote_service = name(kServices);
  search.span_name = name(kNames);
  for (std::size_t i = world.Below(3); i > 0; --i) {
    search.annotations[world.Below(6) == 0 ? R"({"env":{"env":"prod"}})" : world.Pick(kKeys)] =
        world.Half() ? "" : world.Pick(kValues);
  }
  if (world.Below(3) == 0) {
    search.min_duration_us = 1 + world.Below(5);
    if (world.Half()) search.max_duration_us = *search.min_duration_us + world.Below(3);
  }
  search.end_ms = kBeginUs / 1000 + world.Below(kStretchUs / 1000 + 2);
  search.begin_ms = search.end_ms - world.Below(kStretchUs / 1000);
  search.limit = 1'000;
  return search;
}

TEST(ZipkinSearchProperty, TheIndexMissesNothingThatTheRuleFinds) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    World world(seed);
    AppendResult report;
    const auto snapshot = SnapshotOfFiles({world.Zipkin(), world.Otlp()}, report);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    ASSERT_EQ(report.rejected, 0U) << report.first_error;
    Query all;
    all.limit = 0;
    const auto traces = snapshot->Find(all);
    ASSERT_TRUE(traces.has_value());
    for (int i = 0; i < 50; ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", search " + std::to_string(i));
      const ZipkinSearch search = RandomSearch(world);
      std::vector<TraceId> expected;
      for (const FoundTrace& trace : traces->traces) {
        const auto spans = GetZipkinTrace(*snapshot, trace.trace_id, true);
        ASSERT_TRUE(spans.has_value());
        if (Matches(*spans, search)) expected.push_back(trace.trace_id);
      }
      std::vector<TraceId> given;
      ZipkinTraces stream(*snapshot, search, true);
      for (auto next = stream.Next();; next = stream.Next()) {
        ASSERT_TRUE(next.has_value()) << next.error().message();
        if (!*next) break;
        given.push_back((*next)->spans[(*next)->rows[0]].trace_id());
      }
      EXPECT_EQ(given, expected);  // both newest first
      found += given.size();
    }
  }
  EXPECT_GT(found, 500U);  // the searches are not all in vain
}

}  // namespace
}  // namespace tracestore::server
