#include "store/engine/tombstone_file.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/testing/hex_of_page.h"
#include "fs/memory_file_system.h"
#include "store/catalog/memory_catalog.h"
#include "store/engine/engine.h"
#include "store/engine/one_span_test_support.h"

namespace tracestore::store {
namespace {

Tombstone OfTrace(std::uint64_t sequence, std::uint64_t trace) {
  return {sequence, TombstoneKind::kTrace, {0xa, trace}, {2, 64}};
}

TEST(TombstoneFile, IsThePagesDump) {
  EXPECT_EQ(base::testing::BytesOfPage("docs/format/tombstones.md"),
            EncodeTombstoneFile({OfTrace(1, 0xabcd)}));
}

TEST(TombstoneFile, GivesBackWhatItWasGiven) {
  fs::MemoryFileSystem files;
  ASSERT_TRUE(files.CreateDirectories("store").has_value());
  EXPECT_FALSE(ReadTombstoneFile(files, "store")->exists);
  const Tombstone all{3, TombstoneKind::kBefore, {}, {7, 0}};
  ASSERT_TRUE(KeepInTombstoneFile(files, "store", {OfTrace(1, 5), OfTrace(2, 6)}).has_value());
  ASSERT_TRUE(KeepInTombstoneFile(files, "store", {all}).has_value());
  const auto file = ReadTombstoneFile(files, "store");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  EXPECT_EQ(file->tombstones, (std::vector<Tombstone>{OfTrace(1, 5), OfTrace(2, 6), all}));
  EXPECT_TRUE(file->damaged.empty());
  files.DropUnsynced(1);
  EXPECT_EQ(ReadTombstoneFile(files, "store")->tombstones.size(), 3U);
}

TEST(TombstoneFile, AFlippedBitCostsItsRecord) {
  const std::string good = EncodeTombstoneFile({OfTrace(1, 5), OfTrace(2, 6), OfTrace(3, 7)});
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    const auto file = ParseTombstoneFile(bytes, "x");
    ASSERT_TRUE(file.has_value()) << file.error().message();
    EXPECT_EQ(file->header_damaged, at < kTombstoneHeaderBytes);
    EXPECT_EQ(file->tombstones.size(), at < kTombstoneHeaderBytes ? 3U : 2U);
    EXPECT_EQ(file->damaged.size(), at < kTombstoneHeaderBytes ? 0U : 1U);
  }
}

TEST(TombstoneFile, EveryTruncationKeepsTheWholeRecords) {
  const std::string good = EncodeTombstoneFile({OfTrace(1, 5), OfTrace(2, 6)});
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    fs::MemoryFileSystem files;
    ASSERT_TRUE(files.CreateDirectories("store").has_value());
    auto file = files.CreateExclusive(TombstonePath("store"));
    ASSERT_TRUE(file.has_value() && (*file)->Append(good.substr(0, cut)).has_value());
    const auto whole =
        cut < kTombstoneHeaderBytes ? 0 : (cut - kTombstoneHeaderBytes) / kTombstoneRecordBytes;
    EXPECT_EQ(ReadTombstoneFile(files, "store")->tombstones.size(), whole);
    // The next delete mends it.
    ASSERT_TRUE(KeepInTombstoneFile(files, "store", {OfTrace(9, 9)}).has_value());
    const auto mended = ReadTombstoneFile(files, "store");
    EXPECT_EQ(mended->tombstones.size(), whole + 1);
    EXPECT_EQ(mended->torn_bytes, 0U);
    EXPECT_FALSE(mended->header_damaged);
  }
}

TEST(TombstoneFile, ANewerVersionIsRefused) {
  std::string bytes = EncodeTombstoneFile({OfTrace(1, 5)});
  bytes[8] = 2;
  std::string header = bytes.substr(0, 12);
  base::ByteWriter(header).U32(base::Checksum32(header));
  bytes.replace(0, kTombstoneHeaderBytes, header);
  const auto file = ParseTombstoneFile(bytes, "store/tombstones");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(file.error().message(),
            "store/tombstones has format version 2; this build reads version 1: use a newer "
            "tracestore");
}

// What the writer does with it when it opens a store.
TEST(TombstoneFile, TheWriterMakesItAnewWhereItLacksOrHasTooMuch) {
  fs::MemoryFileSystem files;
  const auto disk = std::make_shared<MemoryCatalogDisk>();
  StoreOptions options;
  options.background_sealing = false;
  const auto open = [&] {
    auto engine =
        Engine::Open(files, "store", std::make_unique<MemoryCatalog>(disk), options);
    EXPECT_TRUE(engine.has_value()) << engine.error().message();
    return std::move(*engine);
  };
  {
    auto engine = open();
    for (std::uint64_t trace = 1; trace <= 3; ++trace)
      ASSERT_TRUE(engine->Append(testing::OneSpan(trace, trace)).has_value());
    ASSERT_TRUE(engine->Delete({{TombstoneKind::kTrace, {7, 1}}}).has_value());
    ASSERT_TRUE(engine->Delete({{TombstoneKind::kTrace, {7, 2}}}).has_value());
    EXPECT_EQ(ReadTombstoneFile(files, "store")->tombstones.size(), 2U);
    // Sealed away: both are done with, but so few stay.
    ASSERT_TRUE(engine->Seal().has_value());
    EXPECT_TRUE(disk->tombstones.empty());
    EXPECT_EQ(ReadTombstoneFile(files, "store")->tombstones.size(), 2U);
    ASSERT_TRUE(engine->Append(testing::OneSpan(4, 4)).has_value());
    ASSERT_TRUE(engine->Delete({{TombstoneKind::kTrace, {7, 3}}}).has_value());
  }
  ASSERT_EQ(disk->tombstones.size(), 1U);
  ASSERT_TRUE(files.Unlink(TombstonePath("store")).has_value());
  open().reset();
  EXPECT_EQ(ReadTombstoneFile(files, "store")->tombstones.size(), 1U);
  std::vector<Tombstone> many(10'000, OfTrace(1'000'000, 1));
  ASSERT_TRUE(KeepInTombstoneFile(files, "store", many).has_value());
  open().reset();
  EXPECT_EQ(ReadTombstoneFile(files, "store")->tombstones.size(), 1U);
}

}  // namespace
}  // namespace tracestore::store
