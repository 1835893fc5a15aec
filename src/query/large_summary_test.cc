#include "query/large_summary.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "assembly/summary.h"
#include "query/query_test_support.h"
#include "query/subtree.h"

namespace tracestore::query {
namespace {

using testing::FillSmallWorld;
using testing::TestWorld;

void ExpectAsAssembled(const store::SnapshotData& data, TraceId id) {
  const auto places = FindPlaces(data, id);
  ASSERT_TRUE(places.has_value()) << places.error().message();
  const auto whole = FetchTrace(data, id);
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  if ((*whole)->empty()) return;
  const TraceSummary expected = assembly::Summarize(**whole);
  for (int round = 0; round < 2; ++round) {  // the second may be one that was kept
    const auto summary = SummarizeLarge(data, id, *places);
    ASSERT_TRUE(summary.has_value()) << summary.error().message();
    EXPECT_TRUE(*summary == expected)
        << id.ToHex() << ": " << summary->span_count << " spans for " << expected.span_count << ", "
        << summary->error_count << " errors for " << expected.error_count << ", "
        << summary->orphan_count << " orphans for " << expected.orphan_count << ", root "
        << summary->root_operation << " for " << expected.root_operation;
  }
}

std::set<TraceId> IdsOf(const TestWorld& world) {
  std::set<TraceId> ids;
  for (const auto& span : world.all().spans) ids.insert(span.trace_id);
  return ids;
}

// Every trace of random worlds: parts in segments and head, copies, shared ids, orphans, cycles.
TEST(SummarizeLarge, IsWhatTheWholeTraceSays) {
  for (std::uint64_t seed = 1; seed <= 14; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestWorld world;
    FillSmallWorld(seed, world);
    store::SnapshotData data = world.data();
    data.memo = std::make_shared<store::Memo>(std::size_t{1} << 20);
    for (const TraceId id : IdsOf(world)) ExpectAsAssembled(data, id);
  }
}

// Each segment's rows of every other trace are deleted, but not those of the segments after it.
TEST(SummarizeLarge, LeavesOutWhatIsDeleted) {
  for (std::uint64_t seed = 2; seed <= 11; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestWorld world;
    FillSmallWorld(seed, world);
    store::SnapshotData data = world.data();
    data.memo = std::make_shared<store::Memo>(std::size_t{1} << 20);
    std::vector<store::Tombstone> tombstones;
    const std::set<TraceId> ids = IdsOf(world);
    for (std::size_t i = 0; i < data.segments.size(); ++i)
      data.places.push_back({{}, {1, 10 * (i + 1)}});
    std::uint64_t sequence = 0;
    for (const TraceId id : ids) {
      if (++sequence % 2 == 0) continue;
      store::Tombstone tombstone;
      tombstone.sequence = sequence;
      tombstone.position = {1, 10 + 10 * (sequence % 3)};
      tombstone.trace_id = id;
      tombstones.push_back(tombstone);
    }
    data.tombstones = std::make_shared<const store::TombstoneSet>(std::move(tombstones));
    for (const TraceId id : ids) ExpectAsAssembled(data, id);
  }
}

// A trace of many pages in three segments, its spans dealt out at random, with what goes wrong in a
// few of them: copies, other spans of the same id, missing parents, circles.
model::SpanBatch DealtOut(std::uint64_t seed, int part, std::vector<model::SpanBatch>* parts) {
  std::mt19937_64 random(seed);
  parts->assign(static_cast<std::size_t>(part), {});
  model::SpanBatch all;
  for (model::SpanBatch* batch : {&all}) {
    batch->resources.emplace_back();
    batch->scopes.emplace_back();
  }
  std::vector<SpanId> ids;
  for (int i = 0; i < 12'000; ++i) {
    model::SpanRecord span;
    span.trace_id = {7, seed};
    span.span_id = {random() | 1};
    if (i > 0)
      span.parent_id = ids[ids.size() - 1 - random() % std::min<std::size_t>(ids.size(), 40)];
    if (random() % 500 == 0) span.parent_id = {random() | 1};
    if (random() % 700 == 0 && i > 0) span.span_id = ids[random() % ids.size()];
    if (random() % 900 == 0) span.parent_id = span.span_id;
    if (i == 0 && seed % 2 == 0) span.parent_id = {random() | 1};
    span.name = all.strings.Intern("step-" + std::to_string(i % 7));
    span.status = random() % 30 == 0 ? StatusCode::kError : StatusCode::kUnset;
    span.start_ns = 1'700'000'000'000'000'000ULL + static_cast<std::uint64_t>(i) * 1000;
    span.duration_ns = random() % 100'000;
    span.presence = model::kHasStart | model::kHasDuration;
    ids.push_back(span.span_id);
    all.spans.push_back(span);
  }
  std::vector<model::BatchAppender> appenders;
  appenders.reserve(parts->size());
  for (model::SpanBatch& batch : *parts) {
    appenders.emplace_back(batch);
    appenders.back().SetSource(all);
  }
  for (std::uint32_t row = 0; row < all.size(); ++row) {
    appenders[random() % appenders.size()].Append(row);
    if (random() % 800 == 0) appenders[random() % appenders.size()].Append(row);
  }
  return all;
}

TEST(SummarizeLarge, AndSubtreesOfATraceOfManyPages) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<model::SpanBatch> parts;
    const model::SpanBatch all = DealtOut(seed, 3, &parts);
    TestWorld world;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (seed == 4 && i == 2) world.AddHead(std::move(parts[i]));
      else world.AddSegment(parts[i]);
    }
    const TraceId id{7, seed};
    store::SnapshotData data = world.data();
    for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{4} << 10}) {
      data.memo = std::make_shared<store::Memo>(bytes);
      ExpectAsAssembled(data, id);
      const auto summary = SummaryOf(data, id);
      ASSERT_TRUE(summary.has_value());
      EXPECT_LE(data.memo->memory_bytes(), bytes);
      if (bytes > 1'000'000 && seed < 4) {
        EXPECT_GT(data.memo->memory_bytes(), 12'000U * 8) << "it wasn't kept";
      }
      const auto whole = FetchTrace(data, id);
      ASSERT_TRUE(whole.has_value());
      std::mt19937_64 random(seed);
      for (int i = 0; i < 20; ++i) {
        const SpanId top = i == 0 ? all.spans[0].span_id : all.spans[random() % all.size()].span_id;
        const auto subtree = FetchSubtree(data, id, top);
        ASSERT_TRUE(subtree.has_value()) << subtree.error().message();
        std::multiset<std::pair<std::uint64_t, std::uint64_t>> found, expected;
        for (const auto& span : (*subtree)->spans) found.emplace(span.span_id.value, span.start_ns);
        for (const std::uint32_t row : assembly::SubtreeRows(**whole, top))
          expected.emplace((*whole)->spans[row].span_id.value, (*whole)->spans[row].start_ns);
        ASSERT_EQ(expected, found) << top.ToHex();
      }
    }
  }
}

TEST(SummarizeLarge, StopsWhenAsked) {
  std::vector<model::SpanBatch> parts;
  DealtOut(9, 2, &parts);
  TestWorld world;
  for (const model::SpanBatch& part : parts) world.AddSegment(part);
  store::SnapshotData data = world.data();
  const std::atomic<bool> cancel = true;
  data.stop.cancel = &cancel;
  const auto summary = SummaryOf(data, {7, 9});
  ASSERT_FALSE(summary.has_value());
  EXPECT_EQ(ErrorCode::kCancelled, summary.error().code());
  const auto subtree = FetchSubtree(data, {7, 9}, SpanId{1});
  ASSERT_FALSE(subtree.has_value());
  EXPECT_EQ(ErrorCode::kCancelled, subtree.error().code());
}

}  // namespace
}  // namespace tracestore::query
