#include "store/engine/lost_catalog.h"

#include <gtest/gtest.h>

#include "fs/memory_file_system.h"
#include "store/engine/segment_cache.h"
#include "store/log/log_format.h"

namespace tracestore::store {
namespace {

// A directory with these segments and logs, whose catalog never saw a commit.
bool IsLost(const std::vector<std::uint64_t>& segments, const std::vector<std::uint64_t>& logs,
            std::uint64_t tombstone_at_log = 0) {
  fs::MemoryFileSystem files;
  EXPECT_TRUE(files.CreateDirectories("store/segments").has_value());
  EXPECT_TRUE(files.CreateDirectories("store/wal").has_value());
  for (const std::uint64_t id : segments)
    EXPECT_TRUE(files.CreateExclusive(SegmentPath("store", SegmentId{id})).has_value());
  for (const std::uint64_t number : logs)
    EXPECT_TRUE(files.CreateExclusive("store/wal/" + LogFileName(number)).has_value());
  CatalogView view;
  if (tombstone_at_log != 0)
    view.tombstones = {{1, TombstoneKind::kTrace, {7, 1}, {tombstone_at_log, 0}}};
  const auto checked = CheckNotLost(files, "store", view);
  return !checked.has_value() && checked.error().code() == ErrorCode::kCorruption;
}

TEST(CheckNotLost, SegmentsOfAWriterThatWasKilledBeforeItsFirstCommitAreItsLeftOvers) {
  EXPECT_FALSE(IsLost({}, {}));
  EXPECT_FALSE(IsLost({}, {5}));
  EXPECT_FALSE(IsLost({1}, {1}));
  EXPECT_FALSE(IsLost({1}, {1, 2, 3}));
  // The second try of a segment, for a delete came between.
  EXPECT_FALSE(IsLost({2}, {1, 2}));
  // A delete in a store without a log: the first has the number behind the tombstone's.
  EXPECT_FALSE(IsLost({1}, {2}, 1));
  EXPECT_FALSE(IsLost({1}, {2, 3}, 1));
}

TEST(CheckNotLost, SegmentsBesideLogsOfWhichSomeWereRetiredHadACatalog) {
  EXPECT_TRUE(IsLost({1}, {}));
  EXPECT_TRUE(IsLost({1}, {2}));
  EXPECT_TRUE(IsLost({1, 2}, {3, 4}));
  EXPECT_TRUE(IsLost({1, 2}, {1, 3}));
  EXPECT_TRUE(IsLost({1}, {3}, 1));
}

}  // namespace
}  // namespace tracestore::store
