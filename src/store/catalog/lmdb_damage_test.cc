// Bits flipped in data.mdb, every field of its pages among them: LMDB meets no page that would end
// the process, and what is read is right, or an error that names the file.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "codec/testing/arbitrary_batch.h"
#include "store/catalog/lmdb_catalog.h"

namespace tracestore::store {
namespace {

using codec::Random;

std::uint64_t Rounds(std::uint64_t otherwise) {
  const char* asked = std::getenv("TRACESTORE_FLIP_ROUNDS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : otherwise;
}

class LmdbDamage : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/tracestore-lmdb-damage-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  // Segments, straddlers enough for trees below one key, tombstones, a setting of several pages.
  std::string Make() {
    const std::string directory = root_ + "/made";
    std::filesystem::create_directory(directory);
    auto catalog = LmdbCatalog::Open(directory, {.create = true});
    EXPECT_TRUE(catalog.has_value());
    for (std::uint64_t id = 1; id <= 60; ++id) {
      SealCommit commit;
      SegmentInfo info;
      info.id = SegmentId{id};
      info.rows = 10 * id;
      commit.added = {info};
      if (id > 20) commit.removed = {SegmentId{id - 20}};
      for (std::uint64_t trace = 0; trace < (id == 45 ? 700U : 6U); ++trace)
        commit.straddlers.push_back({trace * 0x9E3779B97F4A7C15, SegmentId{id}});
      EXPECT_TRUE((*catalog)->CommitSeal(commit).has_value());
      EXPECT_TRUE((*catalog)
                      ->AddTombstones({{TombstoneKind::kTrace, {id, id}}},
                                      [&] { return Result<LogPosition>(LogPosition{id, 99}); })
                      .has_value());
    }
    EXPECT_TRUE((*catalog)->PutSetting("large", std::string(9'000, 's')).has_value());
    EXPECT_TRUE((*catalog)->PutSetting("small", "7d").has_value());
    return directory + "/data.mdb";
  }

  struct Content {
    CatalogView view;
    std::vector<std::pair<std::string, std::string>> settings;
    std::vector<CatalogFault> faults;
  };
  static Result<Content> Read(const std::string& directory) {
    auto catalog = LmdbCatalog::Open(directory);
    if (!catalog.has_value()) return catalog.error();
    Content content;
    auto view = (*catalog)->Read({.straddlers_after = 0, .tombstones_after = 0});
    if (!view.has_value()) return view.error();
    auto settings = (*catalog)->ListSettings();
    if (!settings.has_value()) return settings.error();
    auto faults = (*catalog)->Audit();
    if (!faults.has_value()) return faults.error();
    return Content{std::move(*view), std::move(*settings), std::move(*faults)};
  }
  static bool Same(const Content& a, const Content& b) {
    return a.view.version == b.view.version && a.view.identity == b.view.identity &&
           a.view.segments == b.view.segments && a.view.straddlers == b.view.straddlers &&
           a.view.tombstones == b.view.tombstones && a.settings == b.settings &&
           a.view.retired_before == b.view.retired_before &&
           a.view.next_segment_id == b.view.next_segment_id;
  }

  std::string root_;
};

std::string BytesOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_F(LmdbDamage, FlippedBitsAreFoundOrChangeNothing) {
  const std::string path = Make();
  const std::string whole = BytesOf(path);
  const auto expected = Read(root_ + "/made");
  ASSERT_TRUE(expected.has_value()) << expected.error().message();
  ASSERT_TRUE(expected->faults.empty());
  const std::string directory = root_ + "/copy";
  std::filesystem::create_directory(directory);
  const std::uint64_t seed = 20261124;
  Random random(seed);
  std::uint64_t found = 0;
  const std::uint64_t rounds = Rounds(500);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    // Half of them in the first bytes of a page, where its structure stands.
    const std::uint64_t page = random.Below(whole.size() / 4096);
    const std::uint64_t within = random.Below(random.Percent(50) ? 160 : 4096);
    const auto at = static_cast<std::size_t>(page * 4096 + within);
    const unsigned bit = static_cast<unsigned>(random.Below(8));
    SCOPED_TRACE("round " + std::to_string(round) + ", byte " + std::to_string(at) + ", bit " +
                 std::to_string(bit));
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
    std::filesystem::remove(directory + "/lock.mdb");
    std::ofstream(directory + "/data.mdb", std::ios::binary) << flipped;
    const auto read = Read(directory);
    if (!read.has_value()) {
      EXPECT_NE(read.error().message().find(directory), std::string::npos);
      ++found;
    } else if (!read->faults.empty()) {
      ++found;
    } else {
      EXPECT_TRUE(Same(*expected, *read));
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(found, rounds / 10);
}

TEST_F(LmdbDamage, ACutFileIsFoundOrLacksNothing) {
  const std::string whole = BytesOf(Make());
  const auto expected = Read(root_ + "/made");
  ASSERT_TRUE(expected.has_value());
  const std::string directory = root_ + "/copy";
  std::filesystem::create_directory(directory);
  for (std::size_t bytes = 1; bytes < whole.size(); bytes += 1'777) {
    SCOPED_TRACE("cut to " + std::to_string(bytes));
    std::filesystem::remove(directory + "/lock.mdb");
    std::ofstream(directory + "/data.mdb", std::ios::binary) << whole.substr(0, bytes);
    const auto read = Read(directory);
    EXPECT_TRUE(!read.has_value() || Same(*expected, *read));
  }
}

}  // namespace
}  // namespace tracestore::store
