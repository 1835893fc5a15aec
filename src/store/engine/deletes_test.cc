// Deletes that come while a head is being sealed, and what is left of tombstones and logs after.
#include "store/engine/deletes.h"

#include <gtest/gtest.h>

#include <set>

#include "fs/memory_file_system.h"
#include "store/catalog/memory_catalog.h"
#include "store/engine/engine.h"
#include "store/engine/hooked_catalog.h"
#include "store/engine/one_span_test_support.h"

namespace tracestore::store {
namespace {

using testing::HookedCatalog;
using testing::OneSpan;

class DeletesTest : public ::testing::Test {
 protected:
  void Open(OpenMode mode = OpenMode::kWrite) {
    engine_.reset();
    StoreOptions options;
    options.mode = mode;
    options.background_sealing = false;
    auto catalog = std::make_unique<HookedCatalog>(disk_, [this] {
      if (before_seal_) std::exchange(before_seal_, nullptr)();
    });
    auto engine = Engine::Open(files_, "store", std::move(catalog), options);
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    engine_ = std::move(*engine);
  }
  void Append(std::uint64_t trace, std::uint64_t span) {
    const auto appended = engine_->Append(OneSpan(trace, span));
    ASSERT_TRUE(appended.has_value()) << appended.error().message();
  }
  // As another process does it.
  void DeleteElsewhere(std::uint64_t trace) {
    StoreOptions options;
    options.mode = OpenMode::kRead;
    auto other = Engine::Open(files_, "store", std::make_unique<MemoryCatalog>(disk_), options);
    ASSERT_TRUE(other.has_value()) << other.error().message();
    ASSERT_TRUE((*other)->Delete({{TombstoneKind::kTrace, {7, trace}}}).has_value());
  }
  std::shared_ptr<const SnapshotData> Snapshot() { return engine_->TakeSnapshot().value(); }
  std::vector<std::uint64_t> Logs() { return ListLogs(files_, "store/wal").value(); }

  fs::MemoryFileSystem files_;
  std::shared_ptr<MemoryCatalogDisk> disk_ = std::make_shared<MemoryCatalogDisk>();
  std::function<void()> before_seal_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(DeletesTest, OneThatComesWhileAHeadIsSealedIsNotInTheSegment) {
  Open();
  Append(1, 1);
  Append(2, 2);
  before_seal_ = [this] { DeleteElsewhere(1); };
  ASSERT_TRUE(engine_->Seal().has_value());
  const auto snapshot = Snapshot();
  ASSERT_EQ(snapshot->segments.size(), 1U);
  EXPECT_EQ(snapshot->segments[0]->meta().rows, 1U);
  EXPECT_TRUE(snapshot->segments[0]->FindTrace({7, 1})->empty());
  // Nothing that it hides is left.
  EXPECT_EQ(disk_->tombstones.size(), 0U);
}

TEST_F(DeletesTest, AHeadOfWhichNothingIsLeftOnlyRetiresItsLog) {
  Open();
  Append(1, 1);
  before_seal_ = [this] { DeleteElsewhere(1); };
  ASSERT_TRUE(engine_->Seal().has_value());
  EXPECT_TRUE(Snapshot()->segments.empty());
  EXPECT_TRUE(Logs().empty());
  EXPECT_TRUE(files_.List("store/segments")->empty());
  EXPECT_EQ(disk_->tombstones.size(), 0U);
}

TEST_F(DeletesTest, ATombstoneStaysAsLongAsASegmentHasTheTrace) {
  Open();
  Append(1, 1);
  ASSERT_TRUE(engine_->Seal().has_value());
  DeleteElsewhere(1);
  Append(1, 2);
  ASSERT_TRUE(engine_->Seal().has_value());
  EXPECT_EQ(disk_->tombstones.size(), 1U);
  const auto snapshot = Snapshot();
  EXPECT_TRUE(snapshot->Hidden(0, {7, 1}));
  EXPECT_FALSE(snapshot->Hidden(1, {7, 1}));
}

TEST_F(DeletesTest, WhatIsDeletedInTheLogGoesWithItEvenIfNothingFollows) {
  Open();
  Append(1, 1);
  DeleteElsewhere(1);
  EXPECT_TRUE(Snapshot()->head.empty());
  Open();  // seals what there was
  EXPECT_TRUE(Snapshot()->head.empty());
  EXPECT_TRUE(Logs().empty());
  EXPECT_EQ(disk_->tombstones.size(), 0U);
}

TEST_F(DeletesTest, RowsOnBothSidesInOneMergedBatchAreToldApart) {
  Open();
  for (std::uint64_t span = 1; span <= 5; ++span) Append(1, span);
  DeleteElsewhere(1);
  // Merged with those before, ere the writer looks at the catalog.
  for (std::uint64_t span = 6; span <= 9; ++span) Append(1, span);
  const auto snapshot = Snapshot();
  std::size_t rows = 0;
  for (const auto& batch : snapshot->head) rows += batch->batch().size();
  EXPECT_EQ(rows, 4U);
}

TEST_F(DeletesTest, ALogThatAPowerCutTookIsNotNumberedAgain) {
  Open();
  Append(1, 1);
  DeleteElsewhere(1);
  const auto position = disk_->tombstones.begin()->second.position;
  EXPECT_EQ(position.file_number, 1U);
  EXPECT_EQ(EndOfLog(files_, "store/wal").value(), position);
  // The log is gone, the catalog isn't. (The engine of before is left to itself.)
  ASSERT_TRUE(files_.Unlink("store/wal/000001.log").has_value());
  fs::MemoryFileSystem after;
  ASSERT_TRUE(after.CreateDirectories("store").has_value());
  StoreOptions options;
  options.background_sealing = false;
  auto again = Engine::Open(after, "store", std::make_unique<MemoryCatalog>(disk_), options);
  ASSERT_TRUE(again.has_value()) << again.error().message();
  ASSERT_TRUE((*again)->Append(OneSpan(1, 2)).has_value());
  EXPECT_EQ(ListLogs(after, "store/wal").value(), std::vector<std::uint64_t>{2});
  EXPECT_EQ((*again)->TakeSnapshot().value()->head.size(), 1U);
}

void CopyFile(fs::FileSystem& from, const std::string& path, fs::FileSystem& to) {
  const auto file = from.OpenForRead(path);
  ASSERT_TRUE(file.has_value()) << path;
  std::string bytes((*file)->Size().value(), '\0');
  ASSERT_EQ(bytes.size(), (*file)->ReadAt(0, bytes.data(), bytes.size()).value());
  auto copy = to.CreateExclusive(path);
  ASSERT_TRUE(copy.has_value() && (*copy)->Append(bytes).has_value());
}

// What a killed writer leaves of a store that never had a segment.
std::unique_ptr<fs::MemoryFileSystem> AsKilled(fs::FileSystem& files) {
  auto copy = std::make_unique<fs::MemoryFileSystem>();
  EXPECT_TRUE(copy->CreateDirectories("store/wal").has_value());
  CopyFile(files, "store/tombstones", *copy);
  const auto numbers = ListLogs(files, "store/wal");
  for (const std::uint64_t number : *numbers)
    CopyFile(files, "store/wal/" + LogFileName(number), *copy);
  return copy;
}

std::multiset<std::uint64_t> HeadSpans(Engine& engine) {
  std::multiset<std::uint64_t> ids;
  const auto snapshot = engine.TakeSnapshot().value();
  for (const auto& batch : snapshot->head) {
    for (const auto& span : batch->batch().spans) ids.insert(span.span_id.value);
  }
  return ids;
}

// The log and the tombstones' second copy are there, the catalog is not, and nothing was sealed
// yet.
TEST_F(DeletesTest, ACatalogThatIsLostBeforeTheFirstSegmentForgetsNoDelete) {
  Open();
  Append(1, 1);
  Append(2, 2);
  ASSERT_TRUE(engine_->Delete({{TombstoneKind::kTrace, {7, 1}}}).has_value());
  Append(1, 3);
  const auto right = HeadSpans(*engine_);
  ASSERT_EQ(2U, right.size());
  StoreOptions options;
  options.background_sealing = false;
  // A new catalog, and one that already has what the second copy says.
  for (const bool has_it : {false, true}) {
    SCOPED_TRACE(has_it);
    const auto disk = std::make_shared<MemoryCatalogDisk>();
    if (has_it) disk->tombstones = disk_->tombstones;
    const auto files = AsKilled(files_);
    const auto engine =
        Engine::Open(*files, "store", std::make_unique<MemoryCatalog>(disk), options);
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    EXPECT_EQ(right, HeadSpans(**engine));
    ASSERT_EQ(1U, disk->tombstones.size());
    EXPECT_EQ(disk_->tombstones.begin()->second.position,
              disk->tombstones.begin()->second.position);
  }
}

// A segment took what was deleted away; that the second copy still says so means nothing.
TEST_F(DeletesTest, ATombstoneThatIsDoneWithIsNotTakenUpAgain) {
  Open();
  Append(1, 1);
  Append(2, 2);
  ASSERT_TRUE(engine_->Delete({{TombstoneKind::kTrace, {7, 1}}}).has_value());
  ASSERT_TRUE(engine_->Seal().has_value());
  Append(1, 3);
  engine_.reset();
  Open();
  EXPECT_EQ(0U, disk_->tombstones.size());
  EXPECT_EQ(2U, Snapshot()->segments.size());
}

}  // namespace
}  // namespace tracestore::store
