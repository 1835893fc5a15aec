#include "store/engine/compaction_plan.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace tracestore::store {
namespace {

constexpr std::uint64_t kDay = 86'400'000'000'000ULL;
constexpr std::uint64_t kHour = kDay / 24;

PlannedSegment Made(std::uint64_t id, std::uint64_t rows, std::uint64_t at_ns,
                    std::uint64_t hidden = 0) {
  PlannedSegment segment;
  segment.info.id = {id};
  segment.info.rows = rows;
  segment.info.file_bytes = rows * 20;
  segment.info.min_time_ns = segment.info.max_time_ns = at_ns;
  segment.info.min_arrival_ns = segment.info.max_arrival_ns = at_ns;
  segment.hidden_rows = hidden;
  return segment;
}

std::vector<std::vector<std::uint64_t>> Ids(const std::vector<CompactionJob>& jobs) {
  std::vector<std::vector<std::uint64_t>> all;
  for (const CompactionJob& job : jobs) {
    auto& ids = all.emplace_back();
    for (const SegmentId id : job.segments) ids.push_back(id.value);
  }
  return all;
}
using Groups = std::vector<std::vector<std::uint64_t>>;

CompactionLimits Limits(bool full = false) {
  CompactionLimits limits;
  limits.max_spans = 100'000;
  limits.full = full;
  return limits;
}

TEST(CompactionPlan, FourOfLikeSizeAreMergedAndFewerAreNot) {
  std::vector<PlannedSegment> segments = {Made(1, 9'000, 1), Made(2, 9'000, 2), Made(3, 9'000, 3)};
  EXPECT_TRUE(PlanCompaction(segments, Limits()).empty());
  segments.push_back(Made(4, 40'000, 4));  // of another size
  EXPECT_TRUE(PlanCompaction(segments, Limits()).empty());
  segments.push_back(Made(5, 8'000, 5));
  EXPECT_EQ(Ids(PlanCompaction(segments, Limits())), (Groups{{1, 2, 3, 5}}));
}

TEST(CompactionPlan, NoJobPassesTheLimits) {
  const std::vector<PlannedSegment> segments = {Made(1, 40'000, 1), Made(2, 40'000, 2),
                                                Made(3, 40'000, 3), Made(4, 40'000, 4)};
  // The limit ends the first pair, the second may get a neighbour yet.
  EXPECT_EQ(Ids(PlanCompaction(segments, Limits())), (Groups{{1, 2}}));
  EXPECT_EQ(Ids(PlanCompaction(segments, Limits(true))), (Groups{{1, 2}, {3, 4}}));
  CompactionLimits small = Limits();
  small.max_bytes = 1'000'000;
  EXPECT_TRUE(PlanCompaction(segments, small).empty());
}

// By bytes in memory, as far as they are known, as by rows.
TEST(CompactionPlan, NoJobTakesMoreMemoryThanTheLimit) {
  std::vector<PlannedSegment> segments;
  for (std::uint64_t id = 1; id <= 4; ++id) segments.push_back(Made(id, 9'000, id));
  CompactionLimits limits = Limits();
  limits.max_memory = 1'000;
  EXPECT_EQ(Ids(PlanCompaction(segments, limits)), (Groups{{1, 2, 3, 4}}));
  for (PlannedSegment& segment : segments) segment.memory = 300;
  const auto jobs = PlanCompaction(segments, limits);
  EXPECT_EQ(Ids(jobs), (Groups{{1, 2, 3}}));  // half of the limit and more: as large as it gets
  EXPECT_EQ(jobs[0].memory, 900U);
  for (PlannedSegment& segment : segments) segment.memory = 501;  // done
  EXPECT_TRUE(PlanCompaction(segments, limits).empty());
  limits.full = true;
  EXPECT_TRUE(PlanCompaction(segments, limits).empty());
  segments[1].memory = 400;
  EXPECT_EQ(Ids(PlanCompaction(segments, limits)), (Groups{{1, 2}}));
}

// As by rows: a pair that the files' bytes end is as large as it gets.
TEST(CompactionPlan, FilesThatFillTheLimitAreMergedThoughFew) {
  std::vector<PlannedSegment> segments;
  for (std::uint64_t id = 1; id <= 3; ++id) segments.push_back(Made(id, 9'000, id));
  CompactionLimits limits = Limits();
  limits.max_bytes = 400'000;  // 180'000 each
  EXPECT_EQ(Ids(PlanCompaction(segments, limits)), (Groups{{1, 2}}));
}

TEST(CompactionPlan, PartitionsAreKeptApart) {
  std::vector<PlannedSegment> segments;
  for (std::uint64_t i = 0; i < 3; ++i) {
    segments.push_back(Made(i + 1, 5'000, 10 * kDay + i));
    segments.push_back(Made(i + 11, 5'000, 11 * kDay + i));
  }
  // The tenth is over: what is there is all that comes.
  EXPECT_EQ(Ids(PlanCompaction(segments, Limits())), (Groups{{1, 2, 3}}));
  EXPECT_EQ(Ids(PlanCompaction(segments, Limits(true))), (Groups{{1, 2, 3}, {11, 12, 13}}));
}

TEST(CompactionPlan, AQuarterDeletedIsWrittenAgain) {
  EXPECT_TRUE(PlanCompaction({Made(1, 1'000, 1, 249)}, Limits()).empty());
  EXPECT_EQ(Ids(PlanCompaction({Made(1, 1'000, 1, 250)}, Limits())), (Groups{{1}}));
  EXPECT_EQ(Ids(PlanCompaction({Made(1, 1'000, 1, 1)}, Limits(true))), (Groups{{1}}));
  EXPECT_TRUE(PlanCompaction({Made(1, 1'000, 1)}, Limits(true)).empty());
}

TEST(CompactionPlan, EndsAndEachStepHoldsTheLimits) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<PlannedSegment> segments;
    for (std::uint64_t id = 1; id <= 1 + random() % 40; ++id) {
      const std::uint64_t rows = 1 + random() % (1ULL << (random() % 18));
      segments.push_back(Made(id, rows, random() % (3 * kDay),
                              random() % 4 == 0 ? random() % (rows + 1) : 0));
      if (random() % 2 == 0) segments.back().memory = 1 + random() % 3'000;
    }
    CompactionLimits limits = Limits(seed % 2 == 0);
    if (seed % 3 == 0) limits.max_memory = 2'500;
    std::uint64_t next = 1'000;
    int steps = 0;
    while (true) {
      const auto jobs = PlanCompaction(segments, limits);
      if (jobs.empty()) break;
      ASSERT_LT(++steps, 200);
      std::set<SegmentId> seen;
      for (const CompactionJob& job : jobs) {
        for (const SegmentId id : job.segments) EXPECT_TRUE(seen.insert(id).second);
      }
      PlannedSegment made = Made(++next, 0, 0);
      std::int64_t partition = -1;
      for (const SegmentId id : jobs[0].segments) {
        const auto at = std::find_if(segments.begin(), segments.end(),
                                     [&](const auto& s) { return s.info.id == id; });
        ASSERT_NE(at, segments.end());
        if (partition >= 0) {
          EXPECT_EQ(partition, PartitionOf(at->info, limits.partition_ns));
        }
        partition = PartitionOf(at->info, limits.partition_ns);
        made.info.rows += at->rows_left();
        made.info.file_bytes += at->rows_left() * 20;
        made.memory += at->memory;
        made.info.max_time_ns = std::max(made.info.max_time_ns, at->info.max_time_ns);
        made.info.max_arrival_ns = std::max(made.info.max_arrival_ns, at->info.max_arrival_ns);
        segments.erase(at);
      }
      if (jobs[0].segments.size() > 1) {
        EXPECT_LE(made.info.rows, limits.max_spans);
        EXPECT_LE(made.memory, limits.max_memory);
      }
      if (made.info.rows > 0) segments.push_back(made);
    }
    if (!limits.full) continue;
    for (const PlannedSegment& segment : segments) EXPECT_EQ(segment.hidden_rows, 0U);
  }
}

TEST(Retention, CountsTheLaterOfSpanTimeAndArrival) {
  PlannedSegment backfill = Made(1, 10, 5 * kDay);
  backfill.info.max_arrival_ns = 100 * kDay;
  EXPECT_EQ(AgesFrom(backfill.info), 100 * kDay);
  PlannedSegment ahead = Made(2, 10, 100 * kDay);
  ahead.info.max_time_ns += kHour;
  EXPECT_EQ(AgesFrom(ahead.info), 100 * kDay + kHour);
  ahead.info.max_time_ns = UINT64_MAX;
  EXPECT_EQ(AgesFrom(ahead.info), 100 * kDay);
}

TEST(Retention, DropsWhatIsTooOldThenTheOldestWhileThereIsTooMuch) {
  const std::vector<SegmentInfo> segments = {Made(3, 10, 3 * kDay).info, Made(1, 10, kDay).info,
                                             Made(2, 10, 2 * kDay).info};
  using Dropped = std::vector<SegmentId>;
  EXPECT_EQ(PlanRetention(segments, 9 * kDay, {}), Dropped{});
  EXPECT_EQ(PlanRetention(segments, 3 * kDay, {.age_ns = kDay, .bytes = 0}), Dropped{{1}});
  EXPECT_EQ(PlanRetention(segments, 3 * kDay + 1, {.age_ns = kDay, .bytes = 0}),
            (Dropped{{1}, {2}}));
  EXPECT_EQ(PlanRetention(segments, 99 * kDay, {.age_ns = kDay, .bytes = 0}),
            (Dropped{{1}, {2}, {3}}));
  EXPECT_EQ(PlanRetention(segments, 3 * kDay, {.age_ns = 0, .bytes = 400}), Dropped{{1}});
  EXPECT_EQ(PlanRetention(segments, 3 * kDay, {.age_ns = 0, .bytes = 1}), (Dropped{{1}, {2}}));
  // A clock before all of them.
  EXPECT_EQ(PlanRetention(segments, 5, {.age_ns = kDay, .bytes = 0}), Dropped{});
}

}  // namespace
}  // namespace tracestore::store
