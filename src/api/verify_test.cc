// Verify: sound stores of every kind are found sound, and what is wrong is named.
#include <tracestore/verify.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>

#include <tracestore/store.h>

#include "api/file_test_support.h"
#include "codec/testing/arbitrary_batch.h"
#include "store/catalog/lmdb_catalog.h"
#include "store/segment/segment_footer.h"
#include "store/segment/segment_test_support.h"
#include "store/segment/segment_writer.h"

namespace tracestore {
namespace {

namespace files = std::filesystem;
using api::testing::ReadFile;
using api::testing::WriteFile;
using store::SectionKind;
using store::testing::Parts;

class Scratch {
 public:
  Scratch() {
    std::string name = (files::temp_directory_path() / "tracestore-verify-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Scratch() { files::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const files::path& path() const { return path_; }

 private:
  files::path path_;
};

model::SpanBatch SomeSpans(std::uint64_t seed, std::uint32_t spans, std::uint32_t traces) {
  codec::ArbitraryOptions options;
  options.spans = spans;
  options.traces = traces;
  options.beyond_origin = true;
  options.unknown_fields = true;
  options.invalid_utf8 = true;
  return codec::ArbitraryBatch(seed, options);
}

StoreOptions Quiet() {
  StoreOptions options;
  options.background_sealing = false;
  options.sync = SyncPolicy::kOff;
  return options;
}

// Segments with traces in common, deletes, an archive, and a head in the log; still open.
std::unique_ptr<Store> MakeStore(const files::path& directory, std::uint64_t seed) {
  auto store = Store::Open(directory, Quiet());
  EXPECT_TRUE(store.has_value()) << store.error().message();
  model::SpanBatch first = SomeSpans(seed, 300, 20);
  const TraceId some = first.spans[0].trace_id;
  const TraceId other = first.spans[first.size() - 1].trace_id;
  EXPECT_TRUE((*store)->AppendBatch(std::move(first)).has_value());
  EXPECT_TRUE((*store)->Seal().has_value());
  // The same seed gives the same trace ids: all of them straddle.
  EXPECT_TRUE((*store)->AppendBatch(SomeSpans(seed, 100, 20)).has_value());
  EXPECT_TRUE((*store)->AppendBatch(SomeSpans(seed + 1, 200, 3)).has_value());
  EXPECT_TRUE((*store)->Seal().has_value());
  EXPECT_TRUE((*store)->Archive({some}).has_value());
  EXPECT_TRUE((*store)->Delete({other}).has_value());
  EXPECT_TRUE((*store)->AppendBatch(SomeSpans(seed + 2, 50, 5)).has_value());
  return std::move(*store);
}

std::string Told(const VerifyReport& report) {
  std::string text;
  for (const Finding& f : report.findings)
    text += f.file + " " + std::to_string(f.offset) + " " + f.section + ": " + f.problem + "\n";
  return text;
}

VerifyReport Verified(const files::path& path) {
  auto report = Verify(path);
  EXPECT_TRUE(report.has_value()) << report.error().message();
  return report.has_value() ? *report : VerifyReport{};
}

bool Names(const VerifyReport& report, const std::string& section, const std::string& problem) {
  return std::any_of(report.findings.begin(), report.findings.end(), [&](const Finding& f) {
    return f.section == section && f.problem.find(problem) != std::string::npos;
  });
}

TEST(Verify, SoundStoresAreSound) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Scratch scratch;
    auto store = MakeStore(scratch.path(), seed);
    VerifyReport report = Verified(scratch.path());  // beside the writer
    EXPECT_TRUE(report.sound()) << Told(report);
    EXPECT_EQ(0U, report.left_over) << Told(report);
    EXPECT_EQ(3U, report.counters.segments);  // one of the archive
    EXPECT_GE(report.counters.spans, 650U);
    EXPECT_GE(report.counters.records, 1U);
    ASSERT_TRUE(store->Close().has_value());
    report = Verified(scratch.path());
    EXPECT_TRUE(report.sound()) << Told(report);
    EXPECT_EQ(4U, report.counters.segments);
    EXPECT_EQ(0U, report.counters.records);
  }
}

TEST(Verify, EverySegmentOfTheWriterIsSound) {
  const Scratch scratch;
  const files::path file = scratch.path() / "x.seg";
  for (std::uint64_t seed = 100; seed < 130; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto spans = static_cast<std::uint32_t>(1 + seed * 37 % 2'500);
    const auto traces = static_cast<std::uint32_t>(1 + seed % 40);
    const auto built = store::BuildSegment(SomeSpans(seed, spans, traces));
    ASSERT_TRUE(built.has_value());
    WriteFile(file, built->bytes);
    const VerifyReport report = Verified(file);
    EXPECT_TRUE(report.sound()) << Told(report);
    EXPECT_EQ(spans, report.counters.spans);
    EXPECT_EQ(built->bytes.size() - 16, report.counters.bytes);  // all but the header
    if (HasFailure()) return;
  }
}

// The parts of a segment, with its own page index.
Parts PartsOfSegment(std::uint64_t seed) {
  codec::ArbitraryOptions options;
  options.spans = 200;
  options.traces = 10;
  options.beyond_origin = true;
  options.weird_times = false;
  const auto built = store::BuildSegment(codec::ArbitraryBatch(seed, options));
  if (!built.has_value()) return {};
  const auto footer =
      store::ReadSegmentFooter(store::testing::BytesFile(built->bytes), "x.seg");
  Parts parts = store::testing::PartsOf(built->bytes);
  for (const auto& section : footer->sections) {
    if (section.kind == SectionKind::kPages)
      parts.emplace_back(static_cast<std::uint8_t>(section.kind),
                         built->bytes.substr(section.offset, section.bytes));
  }
  return parts;
}

// Damage that every checksum was made for anew: a section of another segment in its place.
TEST(Verify, SectionsOfOtherRowsAreFound) {
  const Scratch scratch;
  const files::path file = scratch.path() / "x.seg";
  const Parts mine = PartsOfSegment(7);
  const Parts others = PartsOfSegment(8);
  ASSERT_EQ(mine.size(), others.size());
  WriteFile(file, store::testing::MakeFile(mine));
  ASSERT_TRUE(Verified(file).sound());
  std::size_t mixes = 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (mine[i] == others[i]) continue;
    SCOPED_TRACE(static_cast<int>(mine[i].first));
    Parts mixed = mine;
    mixed[i].second = others[i].second;
    WriteFile(file, store::testing::MakeFile(mixed));
    const VerifyReport report = Verified(file);
    EXPECT_GE(report.damage, 1U) << Told(report);
    ++mixes;
  }
  EXPECT_GE(mixes, 10U);
}

TEST(Verify, WrongZonesAreFound) {
  const Scratch scratch;
  const files::path file = scratch.path() / "x.seg";
  Parts parts = PartsOfSegment(9);
  parts.pop_back();  // MakeFile's index has zones that cover everything
  WriteFile(file, store::testing::MakeFile(parts));
  const VerifyReport report = Verified(file);
  EXPECT_EQ(1U, report.damage) << Told(report);
  EXPECT_TRUE(Names(report, "page index", "starts and durations of page 0")) << Told(report);
}

TEST(Verify, GoesOnAfterAFinding) {
  const Scratch scratch;
  ASSERT_TRUE(MakeStore(scratch.path(), 3)->Close().has_value());
  std::size_t expected = 0;
  for (const auto& entry : files::directory_iterator(scratch.path() / "segments")) {
    std::string bytes = ReadFile(entry.path());
    bytes[40] = static_cast<char>(bytes[40] ^ 1);  // the first page
    WriteFile(entry.path(), bytes);
    ++expected;
  }
  const VerifyReport report = Verified(scratch.path());
  EXPECT_EQ(expected, report.damage) << Told(report);
  for (const Finding& finding : report.findings) {
    EXPECT_EQ("page 0", finding.section);
    EXPECT_EQ(16U, finding.offset);
  }
}

TEST(Verify, AMissingSegmentIsNamed) {
  const Scratch scratch;
  ASSERT_TRUE(MakeStore(scratch.path(), 3)->Close().has_value());
  const files::path gone = scratch.path() / "segments" / "0000000000000002.seg";
  ASSERT_TRUE(files::remove(gone));
  const VerifyReport report = Verified(scratch.path());
  ASSERT_GE(report.damage, 1U);
  EXPECT_EQ(gone.string(), report.findings[0].file);
}

TEST(Verify, StraddlersThatAreNotListedAreFound) {
  const Scratch scratch;
  ASSERT_TRUE(MakeStore(scratch.path(), 3)->Close().has_value());
  // The catalog is made anew with the same segments and no straddlers.
  auto catalog = store::LmdbCatalog::Open(scratch.path() / "catalog");
  ASSERT_TRUE(catalog.has_value());
  const auto view = (*catalog)->Read();
  ASSERT_TRUE(view.has_value());
  store::SealCommit away, back;
  back.added = view->segments;
  for (const auto& info : view->segments) away.removed.push_back(info.id);
  ASSERT_TRUE((*catalog)->CommitSeal(away).has_value());
  ASSERT_TRUE((*catalog)->CommitSeal(back).has_value());
  const VerifyReport report = Verified(scratch.path());
  EXPECT_GE(report.damage, 2U);
  EXPECT_TRUE(Names(report, "straddlers", "not listed")) << Told(report);
}

TEST(Verify, LeftOversAreNoDamage) {
  const Scratch scratch;
  ASSERT_TRUE(MakeStore(scratch.path(), 3)->Close().has_value());
  WriteFile(scratch.path() / "segments" / "0000000000000099.seg.tmp", "half of a segm");
  WriteFile(scratch.path() / "wal" / "000001.log", "retired");
  const VerifyReport report = Verified(scratch.path());
  EXPECT_TRUE(report.sound()) << Told(report);
  EXPECT_EQ(2U, report.left_over);
}

TEST(Verify, ATornTailIsLeftOverAndAFlippedOneDamage) {
  const Scratch scratch;
  const files::path copy = scratch.path() / "copy";
  {
    auto store = MakeStore(scratch.path() / "store", 3);
    files::copy(scratch.path() / "store", copy, files::copy_options::recursive);
  }
  files::path log;
  for (const auto& entry : files::directory_iterator(copy / "wal")) log = entry.path();
  const std::string whole = ReadFile(log);
  ASSERT_TRUE(Verified(log).sound());
  for (std::size_t cut = 1; cut < whole.size() - 32; cut += 97) {
    WriteFile(log, whole.substr(0, whole.size() - cut));
    const VerifyReport report = Verified(log);
    EXPECT_TRUE(report.sound()) << Told(report);
    EXPECT_EQ(1U, report.left_over);
  }
  for (std::size_t at = 0; at < whole.size(); at += 83) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    WriteFile(log, flipped);
    const VerifyReport report = Verified(log);
    EXPECT_EQ(1U, report.damage + report.newer_format) << "byte " << at << "\n" << Told(report);
  }
}

TEST(Verify, StopsWhenToldTo) {
  const Scratch scratch;
  ASSERT_TRUE(MakeStore(scratch.path(), 3)->Close().has_value());
  std::atomic<bool> stop{false};
  VerifyOptions options;
  options.cancel = &stop;
  std::uint64_t calls = 0;
  options.progress = [&](const VerifyProgress& at) {
    EXPECT_LE(at.bytes_done, at.bytes_total);
    stop = ++calls == 2;
  };
  const auto report = Verify(scratch.path(), options);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(ErrorCode::kCancelled, report.error().code());
  EXPECT_EQ(2U, calls);
}

TEST(Verify, WhatIsNoStoreIsRefused) {
  const Scratch scratch;
  EXPECT_EQ(ErrorCode::kNotFound, Verify(scratch.path() / "none").error().code());
  EXPECT_EQ(ErrorCode::kInvalidArgument, Verify(scratch.path()).error().code());
  WriteFile(scratch.path() / "x.txt", "hello");
  EXPECT_EQ(ErrorCode::kInvalidArgument, Verify(scratch.path() / "x.txt").error().code());
}

}  // namespace
}  // namespace tracestore
