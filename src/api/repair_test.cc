// Repair: what can be read of a damaged store is in it afterwards, what can't is said, and no
// damaged file is gone.
#include <tracestore/repair.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <tracestore/store.h>

#include "api/answers_test_support.h"
#include "api/deletes_test_support.h"
#include "api/file_test_support.h"
#include "codec/testing/arbitrary_batch.h"
#include "store/segment/segment_footer.h"
#include "store/segment/segment_test_support.h"

namespace tracestore {
namespace {

namespace files = std::filesystem;
using api::testing::OpenOrFail;
using api::testing::ReadFile;
using api::testing::WriteFile;

void Flip(const files::path& path, std::size_t at) {
  std::string bytes = ReadFile(path);
  bytes[at] = static_cast<char>(bytes[at] ^ 8);
  WriteFile(path, bytes);
}

model::SpanBatch SomeSpans(std::uint64_t seed, std::uint32_t spans) {
  codec::ArbitraryOptions options;
  options.spans = spans;
  options.traces = 8;
  options.beyond_origin = true;
  options.weird_graph = false;
  return codec::ArbitraryBatch(seed, options);
}

class RepairTest : public ::testing::Test {
 protected:
  // Two segments of 1,400 and 40 spans, the second of traces that are in the first, too; a
  // tombstone; a log of two records. Nobody has it open.
  void SetUp() override {
    const std::string made = path().string() + "-made";
    auto store = OpenOrFail(made);
    ASSERT_TRUE(store->AppendBatch(SomeSpans(1, 1'400)).has_value());
    ASSERT_TRUE(store->Seal().has_value());
    ASSERT_TRUE(store->AppendBatch(SomeSpans(1, 40)).has_value());
    ASSERT_TRUE(store->Seal().has_value());
    deleted_ = SomeSpans(1, 40).spans[0].trace_id;
    ASSERT_TRUE(store->Delete({deleted_}).has_value());
    ASSERT_TRUE(store->AppendBatch(SomeSpans(2, 30)).has_value());
    ASSERT_TRUE(store->AppendBatch(SomeSpans(3, 20)).has_value());
    files::copy(made, path(), files::copy_options::recursive);
    right_ = Spans();
    ASSERT_GT(right_.size(), 1'000U);
  }

  files::path path() const { return directory_.path(); }
  files::path Segment(int id) const {
    return path() / "segments" / ("000000000000000" + std::to_string(id) + ".seg");
  }
  files::path Log() const {
    for (const auto& entry : files::directory_iterator(path() / "wal")) return entry.path();
    return {};
  }

  // Every span that the store shows.
  std::multiset<std::string> Spans() const {
    std::multiset<std::string> spans;
    const auto store = OpenOrFail(path().string(), OpenMode::kRead);
    if (store == nullptr) return spans;
    const auto snapshot = store->TakeSnapshot();
    EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
    const auto visited = snapshot->ForEachBatch([&](const SpanList& list) {
      std::istringstream lines(api::testing::Told(list));
      for (std::string line; lines >> line;) spans.insert(line);
      return true;
    });
    EXPECT_TRUE(visited.has_value()) << visited.error().message();
    return spans;
  }

  RepairReport Run(bool write) const {
    RepairOptions options;
    options.write = write;
    auto report = Repair(path(), options);
    EXPECT_TRUE(report.has_value()) << report.error().message();
    return report.has_value() ? *report : RepairReport{};
  }

  // Says what it would do and changes nothing; then does it. The store is sound then, takes spans,
  // and shows what it did but for `lost` spans.
  RepairReport RunBoth(std::size_t lost) {
    std::map<std::string, std::string> before;
    for (const auto& entry : files::recursive_directory_iterator(path())) {
      if (entry.is_regular_file() && entry.path().filename() != "lock.mdb")
        before[entry.path()] = ReadFile(entry.path());
    }
    const RepairReport dry = Run(false);
    EXPECT_FALSE(dry.was_sound || dry.written);
    for (const auto& [name, bytes] : before) EXPECT_EQ(bytes, ReadFile(name)) << name;
    const RepairReport done = Run(true);
    EXPECT_TRUE(done.written);
    EXPECT_EQ(dry.spans_lost, done.spans_lost);
    EXPECT_EQ(dry.spans_kept, done.spans_kept);
    EXPECT_EQ(0U, done.after.damage) << done.after.findings.front().file
                                     << done.after.findings.front().problem;
    const auto shown = Spans();
    EXPECT_EQ(right_.size() - lost, shown.size());
    EXPECT_TRUE(std::includes(right_.begin(), right_.end(), shown.begin(), shown.end()));
    EXPECT_TRUE(Run(false).was_sound);
    auto store = OpenOrFail(path().string());
    if (store == nullptr) return done;
    EXPECT_TRUE(store->AppendBatch(SomeSpans(9, 10)).has_value());
    EXPECT_TRUE(store->Close().has_value());
    EXPECT_TRUE(Verify(path()).value().sound());
    return done;
  }

  api::testing::TemporaryDirectory directory_;
  TraceId deleted_;
  std::multiset<std::string> right_;
};

TEST_F(RepairTest, ASoundStoreIsLeftAlone) {
  const RepairReport report = Run(true);
  EXPECT_TRUE(report.was_sound);
  EXPECT_FALSE(report.written);
  EXPECT_FALSE(files::exists(path() / "damaged"));
}

TEST_F(RepairTest, ABadPageCostsItsRows) {
  const std::string bytes = ReadFile(Segment(1));
  Flip(Segment(1), 60);
  const std::string damaged = ReadFile(Segment(1));
  auto store = OpenOrFail(path().string(), OpenMode::kRead);
  const RepairReport dry = Run(false);
  ASSERT_EQ(1U, dry.losses.size());
  EXPECT_EQ(16U, dry.losses[0].offset);
  EXPECT_GT(dry.spans_lost, 300U);
  EXPECT_EQ(1'400U, dry.spans_lost + dry.spans_kept);
  store.reset();
  // Rows of a deleted trace may be among the lost.
  const RepairReport done = Run(true);
  EXPECT_EQ(0U, done.after.damage);
  const auto shown = Spans();
  EXPECT_LT(shown.size(), right_.size());
  EXPECT_GE(shown.size() + done.spans_lost, right_.size());
  EXPECT_TRUE(std::includes(right_.begin(), right_.end(), shown.begin(), shown.end()));
  EXPECT_EQ(damaged, ReadFile(path() / "damaged" / Segment(1).filename()));
  const auto reader = OpenOrFail(path().string(), OpenMode::kRead);
  EXPECT_EQ(ErrorCode::kNotFound, reader->Get(deleted_).error().code());
}

TEST_F(RepairTest, DamagedIndexesAndWhatHasACopyCostNothing) {
  const std::string bytes = ReadFile(Segment(1));
  const auto footer = store::ReadSegmentFooter(store::testing::BytesFile(bytes), "x");
  ASSERT_TRUE(footer.has_value());
  using store::SectionKind;
  for (const auto& section : footer->sections) {
    if (section.kind == SectionKind::kTraces || section.bytes == 0) continue;
    SCOPED_TRACE(store::SegmentSectionName(section.kind));
    files::remove_all(path());
    files::copy(path().string() + "-made", path(), files::copy_options::recursive);
    Flip(Segment(1), static_cast<std::size_t>(section.offset + section.bytes / 2));
    const RepairReport done = RunBoth(0);
    EXPECT_EQ(1'400U, done.spans_kept);
    EXPECT_TRUE(done.losses.empty());
  }
}

TEST_F(RepairTest, ADamagedFooterOrHeaderCostsNothing) {
  const std::string bytes = ReadFile(Segment(1));
  const auto footer = store::ReadSegmentFooter(store::testing::BytesFile(bytes), "x");
  ASSERT_TRUE(footer.has_value());
  for (const std::size_t at :
       {std::size_t{3}, static_cast<std::size_t>(footer->offset + 9), bytes.size() - 20}) {
    SCOPED_TRACE(at);
    files::remove_all(path());
    files::copy(path().string() + "-made", path(), files::copy_options::recursive);
    Flip(Segment(1), at);
    EXPECT_EQ(1'400U, RunBoth(0).spans_kept);
  }
  files::remove_all(path());
  files::copy(path().string() + "-made", path(), files::copy_options::recursive);
  WriteFile(Segment(1), bytes.substr(0, bytes.size() - 7));
  EXPECT_EQ(1'400U, RunBoth(0).spans_kept);
}

TEST_F(RepairTest, WithoutItsTableOfTracesASegmentIsLost) {
  const std::string bytes = ReadFile(Segment(2));
  const auto footer = store::ReadSegmentFooter(store::testing::BytesFile(bytes), "x");
  ASSERT_TRUE(footer.has_value());
  for (const auto& section : footer->sections) {
    if (section.kind == store::SectionKind::kTraces)
      Flip(Segment(2), static_cast<std::size_t>(section.offset + 5));
  }
  EXPECT_EQ(40U, Run(false).spans_lost);
  const RepairReport done = Run(true);
  EXPECT_EQ(0U, done.after.damage);
  EXPECT_TRUE(files::exists(path() / "damaged" / Segment(2).filename()));
}

TEST_F(RepairTest, AMissingSegmentIsForgotten) {
  files::remove(Segment(2));
  const RepairReport done = Run(true);
  EXPECT_EQ(40U, done.spans_lost);
  EXPECT_EQ(0U, done.after.damage);
}

TEST_F(RepairTest, ADamagedRecordCostsItself) {
  const files::path log = Log();
  Flip(log, 100);
  const std::string damaged = ReadFile(log);
  EXPECT_EQ(ErrorCode::kCorruption,
            Store::Open(path(), api::testing::Options(OpenMode::kWrite)).error().code());
  const RepairReport done = RunBoth(30);
  EXPECT_EQ(20U, done.spans_kept);
  ASSERT_EQ(1U, done.losses.size());
  EXPECT_EQ(32U, done.losses[0].offset);
  EXPECT_EQ(damaged, ReadFile(path() / "damaged" / log.filename()));
}

TEST_F(RepairTest, ALostCatalogIsMadeAnew) {
  for (const bool damaged : {true, false}) {
    SCOPED_TRACE(damaged);
    files::remove_all(path());
    files::copy(path().string() + "-made", path(), files::copy_options::recursive);
    const files::path data = path() / "catalog" / "data.mdb";
    if (damaged) Flip(data, 16);
    else files::remove_all(path() / "catalog");
    const RepairReport done = Run(true);
    EXPECT_EQ(0U, done.after.damage);
    EXPECT_EQ(damaged, files::exists(path() / "damaged" / "data.mdb"));
    ASSERT_EQ(1U, done.losses.size());
    EXPECT_EQ(std::string::npos, done.losses[0].what.find("deleted")) << done.losses[0].what;
    EXPECT_EQ(right_, Spans());  // what was deleted stays away
    auto store = OpenOrFail(path().string());
    ASSERT_NE(nullptr, store);
    EXPECT_TRUE(store->Close().has_value());
    EXPECT_TRUE(Verify(path()).value().sound());
  }
}

TEST_F(RepairTest, WithoutTheSecondCopyOfThemDeletesAreLostWithTheCatalog) {
  files::remove_all(path() / "catalog");
  files::remove(path() / "tombstones");
  const RepairReport done = Run(true);
  EXPECT_EQ(0U, done.after.damage);
  ASSERT_EQ(1U, done.losses.size());
  EXPECT_NE(std::string::npos, done.losses[0].what.find("what was deleted")) << done.losses[0].what;
  const auto shown = Spans();
  EXPECT_GT(shown.size(), right_.size());
  EXPECT_TRUE(std::includes(shown.begin(), shown.end(), right_.begin(), right_.end()));
}

TEST_F(RepairTest, ADamagedSecondCopyOfDeletesIsMadeAnew) {
  Flip(path() / "tombstones", 30);
  const auto found = Verify(path());
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(1U, found->damage);
  EXPECT_EQ((path() / "tombstones").string(), found->findings[0].file);
  EXPECT_EQ(16U, found->findings[0].offset);
  RunBoth(0);
}

// Stopped after the damaged file was moved and before the commit: the second run finds it there.
TEST_F(RepairTest, CanBeRunAgain) {
  Flip(Segment(1), 60);
  files::create_directory(path() / "damaged");
  files::rename(Segment(1), path() / "damaged" / Segment(1).filename());
  const RepairReport done = Run(true);
  EXPECT_EQ(0U, done.after.damage);
  EXPECT_GT(done.spans_kept, 300U);
  EXPECT_TRUE(files::exists(path() / "damaged" / Segment(1).filename()));
}

TEST_F(RepairTest, AWriterKeepsItOut) {
  Flip(Segment(1), 60);
  auto writer = OpenOrFail(path().string());
  ASSERT_NE(nullptr, writer);
  RepairOptions options;
  options.write = true;
  const auto refused = Repair(path(), options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(ErrorCode::kBusy, refused.error().code());
  EXPECT_FALSE(Run(false).was_sound);
}

TEST_F(RepairTest, NewerFilesAreLeftToNewerPrograms) {
  std::string bytes = ReadFile(Segment(1));
  bytes[8] = 2;
  WriteFile(Segment(1), bytes);
  EXPECT_EQ(ErrorCode::kUnsupported, Repair(path(), {}).error().code());
}

}  // namespace
}  // namespace tracestore
