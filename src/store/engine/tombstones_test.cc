#include "store/engine/tombstones.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "store/engine/snapshot.h"

namespace tracestore::store {
namespace {

Tombstone OfTrace(std::uint64_t sequence, TraceId id, LogPosition position) {
  return {sequence, TombstoneKind::kTrace, id, position};
}

TEST(Tombstones, HideRowsOfTheirTraceBeforeTheirPosition) {
  const TombstoneSet set({OfTrace(1, {0, 7}, {3, 100}), OfTrace(2, {0, 7}, {2, 900}),
                          OfTrace(3, {0, 8}, {5, 0})});
  EXPECT_TRUE(set.Hides({0, 7}, {3, 100}));
  EXPECT_TRUE(set.Hides({0, 7}, {1, 1'000'000}));
  EXPECT_FALSE(set.Hides({0, 7}, {3, 101}));
  EXPECT_TRUE(set.Hides({0, 8}, {4, 7}));
  EXPECT_FALSE(set.Hides({0, 9}, {1, 0}));
  EXPECT_FALSE(set.Hides({1, 7}, {1, 0}));  // all 128 bits count
  EXPECT_TRUE(set.MayHide({5, 0}));
  EXPECT_FALSE(set.MayHide({5, 1}));
  EXPECT_FALSE(set.HidesAll({1, 0}));
}

TEST(Tombstones, OneOnAllRowsHidesEveryTrace) {
  const TombstoneSet set({{4, TombstoneKind::kBefore, {}, {3, 50}}});
  EXPECT_TRUE(set.HidesAll({3, 50}));
  EXPECT_TRUE(set.Hides({1, 2}, {3, 50}));
  EXPECT_FALSE(set.Hides({1, 2}, {3, 51}));
}

// Low halves as somebody chooses them who knows how many places a table of so many ids has.
TEST(Straddlers, ThatWereChosenToCollideAreSpread) {
  StraddlerSet set;
  set.reserve(1000);
  const std::size_t places = set.bucket_count();
  for (std::uint64_t i = 1; i <= 1000; ++i) set.insert(i * places);
  ASSERT_EQ(set.bucket_count(), places);
  std::size_t most = 0;
  for (std::size_t i = 0; i < places; ++i) most = std::max(most, set.bucket_size(i));
  EXPECT_LT(most, 20U);
}

TEST(Tombstones, AdvanceAddsWhatIsNewAndForgetsWhatIsGone) {
  const auto none = std::make_shared<const TombstoneSet>();
  CatalogView view;
  EXPECT_EQ(Advance(none, view, true), none);
  view.oldest_tombstone = 1;
  view.tombstones = {OfTrace(1, {0, 1}, {1, 40}), OfTrace(2, {0, 2}, {1, 50})};
  const auto two = Advance(none, view, true);
  EXPECT_EQ(two->last_sequence(), 2U);
  EXPECT_TRUE(none->empty());
  view.tombstones = {OfTrace(3, {0, 3}, {2, 50})};
  view.oldest_tombstone = 2;
  const auto kept = Advance(two, view, false);
  EXPECT_TRUE(kept->Hides({0, 1}, {1, 40}));
  const auto three = Advance(two, view, true);
  EXPECT_FALSE(three->Hides({0, 1}, {1, 40}));
  EXPECT_TRUE(three->Hides({0, 2}, {1, 40}));
  EXPECT_TRUE(three->Hides({0, 3}, {2, 50}));
  view.tombstones.clear();
  view.oldest_tombstone = 0;
  EXPECT_TRUE(Advance(three, view, true)->empty());
}

}  // namespace
}  // namespace tracestore::store
