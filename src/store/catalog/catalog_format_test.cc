// Holds the dump in docs/format/catalog.md against the bytes that LMDB has.
#include "store/catalog/catalog_format.h"

#include <gtest/gtest.h>
#include <lmdb.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/hex.h"
#include "base/testing/source_dir.h"
#include "store/catalog/lmdb_catalog.h"

namespace tracestore::store {
namespace {

// The lines of the first "```hex" block, with the continuation lines (which begin with a blank)
// joined, and every run of blanks made one.
std::string DumpIn(const std::string& page) {
  std::ifstream file(base::SourceDir() + "/" + page);
  std::string dump;
  std::string line;
  while (std::getline(file, line) && line != "```hex") {
  }
  while (std::getline(file, line) && line != "```") {
    const std::size_t text = line.find_first_not_of(' ');
    if (text != 0 && !dump.empty()) dump.pop_back();  // the newline before
    bool blank = false;
    for (const char c : line.substr(text)) {
      if (c != ' ' && blank) dump.push_back(' ');
      blank = c == ' ';
      if (!blank) dump.push_back(c);
    }
    dump.push_back('\n');
  }
  return dump;
}

std::string Shown(const MDB_val& value) {
  std::string shown;
  const std::string_view bytes(static_cast<const char*>(value.mv_data), value.mv_size);
  const bool text = std::all_of(bytes.begin(), bytes.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
  if (text) return "\"" + std::string(bytes) + "\"";
  for (const char c : bytes) {
    char digits[16];
    base::WriteHex64(static_cast<unsigned char>(c), digits);
    shown.append(digits + 14, 2);
  }
  return shown;
}

std::string DumpOf(const std::string& directory) {
  std::string dump;
  MDB_env* env = nullptr;
  EXPECT_EQ(mdb_env_create(&env), 0);
  mdb_env_set_maxdbs(env, 8);
  EXPECT_EQ(mdb_env_open(env, directory.c_str(), MDB_RDONLY, 0644), 0);
  MDB_txn* txn = nullptr;
  EXPECT_EQ(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn), 0);
  for (const char* name : {"meta", "segments", "straddlers", "straddlers_by_version",
                           "straddlers_by_segment", "tombstones", "settings", "sampling"}) {
    MDB_dbi dbi = 0;
    EXPECT_EQ(mdb_dbi_open(txn, name, 0, &dbi), 0) << name;
    MDB_cursor* cursor = nullptr;
    EXPECT_EQ(mdb_cursor_open(txn, dbi, &cursor), 0);
    MDB_val key{};
    MDB_val value{};
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
      dump += std::string(name) + " " + Shown(key) + " = " + Shown(value) + "\n";
    }
    mdb_cursor_close(cursor);
  }
  mdb_txn_abort(txn);
  mdb_env_close(env);
  return dump;
}

TEST(CatalogFormat, IsWhatThePageSays) {
  char path[] = "/tmp/tracestore-catalog-XXXXXX";
  const std::string root = ::mkdtemp(path);
  {
    StoreIdentity identity;
    for (std::uint8_t i = 0; i < 16; ++i) identity.uuid[i] = i;
    identity.created_ns = 0x0102030405060708;
    auto catalog = LmdbCatalog::Open(root, {.create = true, .identity = identity});
    ASSERT_TRUE(catalog.has_value()) << catalog.error().message();
    SegmentInfo info;
    info.id = SegmentId{1};
    info.file_bytes = 0x10;
    info.rows = 0x11;
    info.traces = 0x12;
    info.min_start_ns = 0x13;
    info.max_start_ns = 0x14;
    info.min_time_ns = 0x15;
    info.max_time_ns = 0x16;
    info.log_begin = {0x17, 0x18};
    info.log_end = {0x19, 0x1a};
    info.min_arrival_ns = 0x1b;
    info.max_arrival_ns = 0x1c;
    info.partition = -2;
    info.generation = 0x1d;
    info.flags = 0x1e;
    const auto sealed = (*catalog)->CommitSeal(
        {.added = {info}, .straddlers = {{0xabcd, SegmentId{1}}}, .retired_before = 2});
    ASSERT_TRUE(sealed.has_value()) << sealed.error().message();
    ASSERT_TRUE((*catalog)
                    ->AddTombstones({{TombstoneKind::kTrace, {0x0a, 0xabcd}}},
                                    [] { return Result<LogPosition>(LogPosition{2, 0x40}); })
                    .has_value());
    ASSERT_TRUE((*catalog)->PutSetting("retention", "7d").has_value());
  }
  EXPECT_EQ(DumpIn("docs/format/catalog.md"), DumpOf(root));
  std::filesystem::remove_all(root);
}

TEST(CatalogFormat, RefusesKeysAndValuesOfAnotherSize) {
  SegmentInfo info;
  info.partition = INT64_MIN;
  const std::string segment = SegmentValue(info);
  const std::string tombstone = TombstoneValue({});
  EXPECT_EQ(ParseSegmentValue({}, segment), info);
  EXPECT_TRUE(ParseTombstoneValue(1, tombstone).has_value());
  for (std::size_t bytes = 0; bytes <= segment.size() + 1; ++bytes) {
    const std::string wrong(bytes, '\1');
    EXPECT_EQ(ParseSegmentValue({}, wrong).has_value(), bytes == segment.size());
    EXPECT_FALSE(ParseTombstoneValue(1, wrong).has_value());
    EXPECT_EQ(ParseNumberKey(wrong).has_value(), bytes == 8);
    EXPECT_EQ(ParseNumberValue(wrong).has_value(), bytes == 8);
    EXPECT_EQ(ParseStraddlerKey(wrong).has_value(), bytes == 16);
  }
}

}  // namespace
}  // namespace tracestore::store
