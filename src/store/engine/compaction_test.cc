// Merges and retention beside seals and deletes that come in between, and over a disk that fails.
#include "store/engine/compaction.h"

#include <map>

#include <gtest/gtest.h>

#include "fs/fault_file_system.h"
#include "fs/memory_file_system.h"
#include "store/catalog/memory_catalog.h"
#include "store/engine/engine.h"
#include "store/engine/hooked_catalog.h"
#include "store/engine/one_span_test_support.h"

namespace tracestore::store {
namespace {

using testing::HookedCatalog;
using testing::OneSpan;

constexpr std::uint64_t kDayNs = 86'400'000'000'000ULL;

// Spans by trace, as a snapshot has them.
std::map<std::uint64_t, std::multiset<std::uint64_t>> SpansOf(const SnapshotData& data) {
  std::map<std::uint64_t, std::multiset<std::uint64_t>> spans;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    model::SpanBatch rows;
    const auto read =
        data.segments[i]->ReadRows(0, data.segments[i]->meta().rows, Projection{}, rows);
    EXPECT_TRUE(read.has_value()) << read.error().message();
    for (const auto& span : rows.spans) {
      if (!data.Hidden(i, span.trace_id)) spans[span.trace_id.low].insert(span.span_id.value);
    }
  }
  for (const auto& batch : data.head) {
    for (const auto& span : batch->batch().spans)
      spans[span.trace_id.low].insert(span.span_id.value);
  }
  return spans;
}
using Spans = std::map<std::uint64_t, std::multiset<std::uint64_t>>;

class CompactionTest : public ::testing::Test {
 protected:
  void Open(fs::FileSystem& files) {
    engine_.reset();
    StoreOptions options;
    options.background_sealing = false;
    options.clock = [this] { return now_; };
    auto catalog = std::make_unique<HookedCatalog>(disk_, [this] {
      if (before_commit_) std::exchange(before_commit_, nullptr)();
    });
    auto engine = Engine::Open(files, "store", std::move(catalog), options);
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    engine_ = std::move(*engine);
  }
  void Open() { Open(files_); }
  void Append(std::uint64_t trace, std::uint64_t span) {
    const auto appended = engine_->Append(OneSpan(trace, span));
    ASSERT_TRUE(appended.has_value()) << appended.error().message();
  }
  // A segment of these traces, a span each.
  void Segment(const std::vector<std::uint64_t>& traces) {
    for (const std::uint64_t trace : traces) Append(trace, ++last_span_);
    ASSERT_TRUE(engine_->Seal().has_value());
  }
  CompactResult Compact(CompactOptions options = {}) {
    auto done = engine_->Compact(options);
    EXPECT_TRUE(done.has_value()) << done.error().message();
    return done.value_or(CompactResult{});
  }
  CompactResult CompactAll(std::function<void()> between_pages = nullptr) {
    CompactOptions options;
    options.full = true;
    options.progress = [&](const CompactionProgress& at) {
      // In the middle of a merge, once.
      if (at.spans_total > 0 && between_pages) std::exchange(between_pages, nullptr)();
    };
    return Compact(options);
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
  Spans Stored() { return SpansOf(*Snapshot()); }
  std::size_t SegmentFiles() { return files_.List("store/segments")->size(); }

  fs::MemoryFileSystem files_;
  std::shared_ptr<MemoryCatalogDisk> disk_ = std::make_shared<MemoryCatalogDisk>();
  std::function<void()> before_commit_;
  std::uint64_t now_ = 20'000 * kDayNs;
  std::uint64_t last_span_ = 0;
  std::unique_ptr<Engine> engine_;
};

TEST_F(CompactionTest, TracesOfTheSourcesStraddleNoMore) {
  Open();
  Segment({1, 2});
  Segment({1, 3});
  EXPECT_TRUE(Snapshot()->straddlers->contains(1));
  const auto before = Snapshot();
  const CompactResult done = CompactAll();
  EXPECT_EQ(done.merges, 1U);
  EXPECT_EQ(done.segments_merged, 2U);
  EXPECT_EQ(done.spans_written, 4U);
  EXPECT_EQ(SegmentFiles(), 1U);
  EXPECT_TRUE(Snapshot()->straddlers->empty());
  const Spans all = {{1, {1, 3}}, {2, {2}}, {3, {4}}};
  EXPECT_EQ(Stored(), all);
  EXPECT_EQ(SpansOf(*before), all);  // its files are gone by name only
  EXPECT_EQ(disk_->segments.begin()->second.generation, 1U);
  Open();
  EXPECT_EQ(Stored(), all);
}

TEST_F(CompactionTest, TracesBesideTheMergedSegmentStraddleOn) {
  Open();
  Segment({1, 2});
  Segment({2, 3});
  now_ += 2 * kDayNs;  // another partition
  Segment({3, 4});
  CompactAll();
  ASSERT_EQ(Snapshot()->segments.size(), 2U);
  EXPECT_EQ(*Snapshot()->straddlers, StraddlerSet{3});
  EXPECT_EQ(disk_->straddlers.size(), 2U);
}

TEST_F(CompactionTest, ASealInBetweenIsSeenByTheCommit) {
  Open();
  Segment({1, 2});
  Segment({1, 3});
  CompactAll([&] { Segment({3, 4}); });
  EXPECT_EQ(Stored(), (Spans{{1, {1, 3}}, {2, {2}}, {3, {4, 5}}, {4, {6}}}));
  // The one that came in between was merged with the rest after.
  EXPECT_EQ(Snapshot()->segments.size(), 1U);
  EXPECT_TRUE(Snapshot()->straddlers->empty());
}

TEST_F(CompactionTest, ADeleteInBetweenHidesTheMergedRows) {
  const Spans left = {{2, {2, 3, 4, 5}}, {3, {7}}, {4, {8}}, {5, {9}}};
  for (const bool at_commit : {false, true}) {
    SCOPED_TRACE(at_commit ? "at the commit" : "between pages");
    disk_ = std::make_shared<MemoryCatalogDisk>();
    engine_.reset();
    fs::MemoryFileSystem fresh;
    Open(fresh);
    last_span_ = 0;
    Segment({1, 2, 2, 2, 2});
    Segment({1, 3});
    const auto remove = [&] {
      ASSERT_TRUE(engine_->Delete({{TombstoneKind::kTrace, {7, 1}}}).has_value());
    };
    Segment({4});
    Segment({5});  // four: due without asking for all
    CompactOptions options;
    if (at_commit) before_commit_ = remove;
    bool removed = at_commit;
    options.progress = [&](const CompactionProgress& at) {
      if (at.spans_total > 0 && !std::exchange(removed, true)) remove();
    };
    EXPECT_EQ(Compact(options).spans_written, 9U);
    EXPECT_EQ(Snapshot()->segments.size(), 1U);
    EXPECT_EQ(Stored(), left);
    EXPECT_EQ(disk_->tombstones.size(), 1U);
    EXPECT_EQ(CompactAll().spans_dropped, 2U);
    EXPECT_EQ(disk_->tombstones.size(), 0U);
    EXPECT_EQ(Stored(), left);
    engine_.reset();
  }
}

TEST_F(CompactionTest, DeletesBetweenTheSourcesKeepWhatCameAfter) {
  Open();
  Segment({1, 2});
  DeleteElsewhere(1);
  Segment({1, 3});
  EXPECT_EQ(CompactAll().spans_dropped, 1U);
  EXPECT_EQ(Stored(), (Spans{{1, {3}}, {2, {2}}, {3, {4}}}));
  EXPECT_EQ(disk_->tombstones.size(), 0U);
}

TEST_F(CompactionTest, WhereNothingIsLeftNoSegmentIsMade) {
  Open();
  Segment({1});
  Segment({2});
  DeleteElsewhere(1);
  DeleteElsewhere(2);
  const CompactResult done = CompactAll();
  EXPECT_EQ(done.merges, 0U);
  EXPECT_EQ(done.spans_dropped, 2U);
  EXPECT_EQ(SegmentFiles(), 0U);
  EXPECT_TRUE(disk_->segments.empty());
  EXPECT_EQ(disk_->tombstones.size(), 0U);
}

TEST_F(CompactionTest, StopsBetweenPagesAndLeavesNothing) {
  Open();
  Segment({1});
  Segment({2});
  std::atomic<bool> cancel{false};
  CompactOptions options;
  options.full = true;
  options.cancel = &cancel;
  options.progress = [&](const CompactionProgress& at) { cancel = at.spans_total > 0; };
  const auto done = engine_->Compact(options);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(SegmentFiles(), 2U);
  EXPECT_EQ(CompactAll().merges, 1U);
}

TEST_F(CompactionTest, ADamagedSegmentIsLeftAndTheOthersAreMerged) {
  Open();
  Segment({1});
  Segment({2});
  Segment({3});
  const std::string path = SegmentPath("store", disk_->segments.begin()->first);
  auto file = files_.OpenForRead(path);
  ASSERT_TRUE(file.has_value());
  std::string bytes((*file)->Size().value(), '\0');
  ASSERT_TRUE((*file)->ReadAt(0, bytes.data(), bytes.size()).has_value());
  bytes[30] = static_cast<char>(bytes[30] ^ 1);
  ASSERT_TRUE(files_.Overwrite(path, bytes).has_value());
  const CompactResult done = CompactAll();
  EXPECT_EQ(done.segments_damaged, 1U);
  EXPECT_EQ(done.segments_merged, 2U);
  EXPECT_EQ(SegmentFiles(), 2U);
}

// Few spans, but their texts fill the memory that a merge may take: four go together, not six.
TEST_F(CompactionTest, ASegmentThatAMergeHasNoRoomForIsLeftToTheNext) {
  Open();
  constexpr std::size_t kTextBytes = std::size_t{1} << 20;
  for (int segment = 0; segment < 6; ++segment) {
    for (int i = 0; i < 30; ++i) {
      ++last_span_;
      model::SpanBatch batch = OneSpan(last_span_, last_span_);
      const auto begin = static_cast<std::uint32_t>(batch.attributes.size());
      batch.AddString(batch.strings.Intern("body"),
                      std::to_string(last_span_) + std::string(kTextBytes, 'x'));
      batch.spans[0].attributes = {begin, 1};
      ASSERT_TRUE(engine_->Append(std::move(batch)).has_value());
    }
    ASSERT_TRUE(engine_->Seal().has_value());
  }
  ASSERT_EQ(SegmentFiles(), 6U);
  const CompactResult done = CompactAll();
  EXPECT_EQ(done.merges, 2U);
  EXPECT_EQ(done.segments_merged, 6U);
  EXPECT_EQ(done.spans_written, 180U);
  EXPECT_EQ(SegmentFiles(), 2U);
  std::multiset<std::uint32_t> rows;
  const auto merged = Snapshot();
  for (const auto& segment : merged->segments) rows.insert(segment->meta().rows);
  EXPECT_EQ(rows, (std::multiset<std::uint32_t>{60, 120}));
  EXPECT_EQ(Stored().size(), 180U);
  const CompactResult again = CompactAll();
  EXPECT_EQ(again.merges, 0U);
  // Known until then; a writer that knows nothing yet comes to the same.
  Open();
  EXPECT_EQ(CompactAll().merges, 0U);
  EXPECT_EQ(SegmentFiles(), 2U);
}

TEST_F(CompactionTest, RetentionDropsSegmentsWithTheirPairsAndTombstones) {
  Open();
  Segment({1, 2});
  DeleteElsewhere(2);
  now_ += 10 * kDayNs;
  Segment({1, 3});
  const auto before = Snapshot();
  EXPECT_EQ(before->straddlers->size(), 1U);
  CompactOptions options;
  options.retention_age = std::chrono::hours(24);
  const CompactResult done = Compact(options);
  EXPECT_EQ(done.segments_expired, 1U);
  EXPECT_EQ(done.spans_expired, 2U);
  EXPECT_EQ(Stored(), (Spans{{1, {3}}, {3, {4}}}));
  EXPECT_EQ(SpansOf(*before), (Spans{{1, {1, 3}}, {3, {4}}}));
  EXPECT_EQ(SegmentFiles(), 1U);
  EXPECT_EQ(disk_->tombstones.size(), 0U);
  // of the segment that stays: a search looks once too often
  EXPECT_EQ(disk_->straddlers.size(), 1U);
  now_ += 2 * kDayNs;
  EXPECT_EQ(Compact(options).segments_expired, 1U);
  EXPECT_TRUE(disk_->straddlers.empty());
}

TEST_F(CompactionTest, WrongOptionsAreRefused) {
  Open();
  CompactOptions options;
  options.max_spans = 10;
  EXPECT_EQ(engine_->Compact(options).error().code(), ErrorCode::kInvalidArgument);
  options = {};
  options.retention_age = std::chrono::seconds(1);
  EXPECT_EQ(engine_->Compact(options).error().code(), ErrorCode::kInvalidArgument);
  StoreOptions read;
  read.mode = OpenMode::kRead;
  auto reader = Engine::Open(files_, "store", std::make_unique<MemoryCatalog>(disk_), read);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->Compact({}).error().code(), ErrorCode::kInvalidArgument);
}

// A call on the file system fails, once or for good: nothing is lost, before and after a power cut,
// and the next try does it.
TEST_F(CompactionTest, LosesNothingWhicheverCallFails) {
  const Spans expected = {{1, {1, 3, 6}}, {3, {4, 5}}};
  std::uint64_t n = 1;
  for (; n < 1'000; ++n) {
    SCOPED_TRACE("fault at call " + std::to_string(n));
    fs::MemoryFileSystem memory;
    fs::FaultFileSystem faulty(memory, {});
    disk_ = std::make_shared<MemoryCatalogDisk>();
    last_span_ = 0;
    Open(faulty);
    Segment({1, 2});
    Segment({1, 3});
    Segment({3, 1});
    ASSERT_TRUE(engine_->Delete({{TombstoneKind::kTrace, {7, 2}}}).has_value());
    ASSERT_TRUE(engine_->Sync().has_value());
    fs::Fault fault;
    fault.at_call = n;
    fault.from_then_on = n % 2 == 0;
    fault.error_number = n % 3 == 0 ? EIO : ENOSPC;
    fault.effect = static_cast<fs::Fault::Effect>(n % 3);
    faulty.Arm(fault);
    CompactOptions options;
    options.full = true;
    const auto done = engine_->Compact(options);
    const bool fired = faulty.fired();
    if (!fired) {
      EXPECT_TRUE(done.has_value());
    }
    faulty.Arm({});
    EXPECT_EQ(Stored(), expected);
    if (n % 5 == 0) {
      memory.DropUnsynced(n);
      engine_.reset();
      Open(memory);
      EXPECT_EQ(Stored(), expected);
    }
    const auto again = engine_->Compact(options);
    ASSERT_TRUE(again.has_value()) << again.error().message();
    EXPECT_EQ(Stored(), expected);
    EXPECT_EQ(Snapshot()->segments.size(), 1U);
    engine_.reset();
    Open(memory);
    EXPECT_EQ(Stored(), expected);
    EXPECT_EQ(memory.List("store/segments")->size(), 1U);
    engine_.reset();
    if (!fired || HasFailure()) break;
  }
  EXPECT_GT(n, 10U);  // it swept
}

}  // namespace
}  // namespace tracestore::store
