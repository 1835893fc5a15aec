// The contract of Catalog, held by LMDB and in memory alike, and both against a simple model.
#include "store/catalog/catalog.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "store/catalog/lmdb_catalog.h"
#include "store/catalog/memory_catalog.h"

namespace tracestore::store {
namespace {

SegmentInfo Segment(std::uint64_t id) {
  SegmentInfo info;
  info.id = SegmentId{id};
  info.file_bytes = id * 1000;
  info.rows = id * 10;
  info.traces = id;
  info.min_start_ns = id;
  info.max_start_ns = UINT64_MAX - id;
  info.min_time_ns = id + 1;
  info.max_time_ns = id + 2;
  info.log_begin = {id, 32};
  info.log_end = {id + 1, 64};
  info.min_arrival_ns = 7;
  info.max_arrival_ns = 8;
  info.partition = -static_cast<std::int64_t>(id);
  info.generation = 3;
  info.flags = 0x80000001;
  return info;
}

std::vector<Straddler> Sorted(std::vector<Straddler> straddlers) {
  std::sort(straddlers.begin(), straddlers.end());
  return straddlers;
}

Result<LogPosition> AtTen() { return LogPosition{10, 100}; }

class CatalogTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    char path[] = "/tmp/tracestore-catalog-XXXXXX";
    root_ = ::mkdtemp(path);
    Reopen();
  }
  void TearDown() override {
    catalog_.reset();
    std::filesystem::remove_all(root_);
  }
  void Reopen() {
    catalog_.reset();
    if (GetParam()) {
      auto opened = LmdbCatalog::Open(root_ + "/catalog", {.create = true});
      ASSERT_TRUE(opened.has_value()) << opened.error().message();
      catalog_ = std::move(opened).value();
    } else {
      catalog_ = std::make_unique<MemoryCatalog>(disk_);
    }
  }
  CatalogView Read(const CatalogReadOptions& options = {}) {
    auto view = catalog_->Read(options);
    EXPECT_TRUE(view.has_value()) << view.error().message();
    return view.has_value() ? std::move(view).value() : CatalogView{};
  }
  std::uint64_t Commit(const SealCommit& commit) {
    const auto version = catalog_->CommitSeal(commit);
    EXPECT_TRUE(version.has_value()) << version.error().message();
    return version.value_or(0);
  }
  void ExpectRefused(const SealCommit& commit, ErrorCode code, const std::string& sentence) {
    const CatalogView before = Read();
    const auto refused = catalog_->CommitSeal(commit);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), code);
    EXPECT_EQ(refused.error().message(), sentence);
    const CatalogView after = Read();
    EXPECT_EQ(after.version, before.version);
    EXPECT_EQ(after.segments, before.segments);
  }

  std::string root_;
  std::shared_ptr<MemoryCatalogDisk> disk_ = std::make_shared<MemoryCatalogDisk>();
  std::unique_ptr<Catalog> catalog_;
};

INSTANTIATE_TEST_SUITE_P(Both, CatalogTest, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Lmdb" : "Memory"; });

TEST_P(CatalogTest, BeginsEmptyAndKeepsItsIdentity) {
  const CatalogView view = Read({.straddlers_after = 0, .tombstones_after = 0});
  EXPECT_TRUE(view.segments.empty());
  EXPECT_TRUE(view.straddlers.empty());
  EXPECT_TRUE(view.tombstones.empty());
  EXPECT_EQ(view.retired_before, 1u);
  EXPECT_EQ(view.next_segment_id, SegmentId{1});
  EXPECT_EQ(view.segments_version, 0u);
  EXPECT_EQ(view.oldest_tombstone, 0u);
  EXPECT_TRUE(catalog_->IsCurrent(view.version).value());
  EXPECT_FALSE(catalog_->IsCurrent(view.version - 1).value());
  Reopen();
  EXPECT_EQ(Read().identity, view.identity);
}

TEST_P(CatalogTest, CommitsASealWholeAndKeepsItOverAReopening) {
  SealCommit commit;
  commit.added = {Segment(2), Segment(1)};
  commit.straddlers = {{5, SegmentId{1}}, {5, SegmentId{2}}, {1, SegmentId{2}}, {5, SegmentId{1}}};
  commit.retired_before = 9;
  const std::uint64_t version = Commit(commit);
  Reopen();
  const CatalogView view = Read({.straddlers_after = 0, .tombstones_after = {}});
  EXPECT_EQ(view.version, version);
  EXPECT_EQ(view.segments_version, version);
  EXPECT_EQ(view.segments, (std::vector<SegmentInfo>{Segment(1), Segment(2)}));
  EXPECT_EQ(view.retired_before, 9u);
  EXPECT_EQ(view.next_segment_id, SegmentId{3});
  EXPECT_EQ(Sorted(view.straddlers),
            (std::vector<Straddler>{{1, SegmentId{2}}, {5, SegmentId{1}}, {5, SegmentId{2}}}));
  EXPECT_EQ(catalog_->FindStraddler(5).value(),
            (std::vector<SegmentId>{SegmentId{1}, SegmentId{2}}));
  EXPECT_TRUE(catalog_->FindStraddler(4).value().empty());
  EXPECT_TRUE(catalog_->FindStraddler(UINT64_MAX).value().empty());
}

TEST_P(CatalogTest, GivesStraddlersSinceAVersionAndDropsThemWithTheirSegment) {
  const std::uint64_t first = Commit({.added = {Segment(1)}, .straddlers = {{7, SegmentId{1}}}});
  const std::uint64_t second =
      Commit({.added = {Segment(2)},
              .straddlers = {{7, SegmentId{1}}, {7, SegmentId{2}}, {8, SegmentId{1}}}});
  EXPECT_EQ(Sorted(Read({.straddlers_after = first, .tombstones_after = {}}).straddlers),
            (std::vector<Straddler>{{7, SegmentId{2}}, {8, SegmentId{1}}}));
  EXPECT_TRUE(Read({.straddlers_after = second, .tombstones_after = {}}).straddlers.empty());
  EXPECT_TRUE(Read({.straddlers_after = UINT64_MAX, .tombstones_after = {}}).straddlers.empty());
  EXPECT_TRUE(Read().straddlers.empty());
  Commit({.added = {Segment(3)}, .removed = {SegmentId{1}}});
  EXPECT_EQ(Read({.straddlers_after = 0, .tombstones_after = {}}).straddlers,
            (std::vector<Straddler>{{7, SegmentId{2}}}));
  EXPECT_TRUE(catalog_->FindStraddler(8).value().empty());
}

TEST_P(CatalogTest, RefusesACommitThatContradictsIt) {
  Commit({.added = {Segment(4)}, .retired_before = 5});
  ExpectRefused({.added = {Segment(4)}}, ErrorCode::kInvalidArgument, "segment 4 is live already");
  ExpectRefused({.added = {Segment(5), Segment(5)}}, ErrorCode::kInvalidArgument,
                "segment 5 is live already");
  ExpectRefused({.added = {Segment(5)}, .removed = {SegmentId{3}}}, ErrorCode::kInvalidArgument,
                "remove: segment 3 is not live");
  ExpectRefused({.removed = {SegmentId{4}}, .straddlers = {{1, SegmentId{4}}}},
                ErrorCode::kInvalidArgument, "straddler: segment 4 is not live");
  ExpectRefused({.retired_before = 4}, ErrorCode::kInvalidArgument,
                "the catalog needs no log below 5 any more and can't need 4 again");
  ExpectRefused({.next_segment_id = SegmentId{4}}, ErrorCode::kInvalidArgument,
                "the next segment id can't be 4: 4 is used");
}

TEST_P(CatalogTest, RefusesACommitWorkedOutFromAnOlderView) {
  const CatalogView view = Read();
  Commit({.added = {Segment(1)}});
  ExpectRefused({.added = {Segment(2)}, .based_on_segments_version = view.segments_version},
                ErrorCode::kBusy, "the catalog's segments changed since they were read");
  const CatalogView again = Read();
  ASSERT_TRUE(catalog_->AddTombstones({{TombstoneKind::kTrace, {1, 2}}}, AtTen).has_value());
  ASSERT_TRUE(catalog_->PutSetting("other", "changes don't matter").has_value());
  ExpectRefused({.added = {Segment(2)},
                 .based_on_tombstones_version = again.tombstones_version},
                ErrorCode::kBusy, "the catalog's tombstones changed since they were read");
  Commit({.added = {Segment(2)},
          .based_on_segments_version = again.segments_version,
          .based_on_tombstones_version = Read().tombstones_version});
}

TEST_P(CatalogTest, KeepsTombstonesInOrder) {
  EXPECT_EQ(catalog_->AddTombstones({{TombstoneKind::kTrace, {1, 2}}, {TombstoneKind::kBefore, {}}},
                                    AtTen)
                .value(),
            2u);
  const std::uint64_t version = Read().tombstones_version;
  EXPECT_EQ(version, Read().version);
  EXPECT_EQ(catalog_->AddTombstones({{TombstoneKind::kTrace, {3, 4}}}, AtTen).value(), 3u);
  const Tombstone first{1, TombstoneKind::kTrace, {1, 2}, {10, 100}};
  const Tombstone second{2, TombstoneKind::kBefore, {}, {10, 100}};
  const Tombstone third{3, TombstoneKind::kTrace, {3, 4}, {10, 100}};
  EXPECT_EQ(catalog_->ListTombstones().value(), (std::vector<Tombstone>{first, second, third}));
  EXPECT_EQ(Read({.straddlers_after = {}, .tombstones_after = 2}).tombstones,
            (std::vector<Tombstone>{third}));
  EXPECT_EQ(Read().oldest_tombstone, 1u);
  EXPECT_TRUE(catalog_->RemoveTombstones({1, 77}).has_value());
  EXPECT_EQ(Read().oldest_tombstone, 2u);
  Commit({.removed_tombstones = {2, 3}});
  EXPECT_TRUE(catalog_->ListTombstones().value().empty());
  EXPECT_GT(Read().tombstones_version, version);
  // Sequences are never used again.
  EXPECT_EQ(catalog_->AddTombstones({{TombstoneKind::kTrace, {3, 4}}}, AtTen).value(), 4u);
  const auto failed = catalog_->AddTombstones(
      {{TombstoneKind::kTrace, {3, 4}}},
      []() -> Result<LogPosition> { return Error(ErrorCode::kIo, "no log"); });
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().message(), "no log");
  EXPECT_EQ(catalog_->ListTombstones().value().size(), 1u);
}

TEST_P(CatalogTest, ShowsTombstonesBeforeTheyStandAndAllWhileNoneComes) {
  std::vector<Tombstone> seen;
  const auto keep = [&](const std::vector<Tombstone>& made) -> Status {
    seen = made;
    return {};
  };
  EXPECT_EQ(catalog_->AddTombstones({{TombstoneKind::kTrace, {1, 2}}}, AtTen, keep).value(), 1u);
  const std::vector<Tombstone> first = {{1, TombstoneKind::kTrace, {1, 2}, {10, 100}}};
  EXPECT_EQ(seen, first);
  const std::uint64_t version = Read().version;
  const auto refuse = [](const std::vector<Tombstone>&) -> Status {
    return Error(ErrorCode::kIo, "no room");
  };
  const auto failed = catalog_->AddTombstones({{TombstoneKind::kBefore, {}}}, AtTen, refuse);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().message(), "no room");
  seen.clear();
  EXPECT_TRUE(catalog_->HoldTombstones(keep).has_value());
  EXPECT_EQ(seen, first);
  EXPECT_EQ(catalog_->HoldTombstones(refuse).error().message(), "no room");
  EXPECT_EQ(Read().version, version);
}

TEST_P(CatalogTest, KeepsSettingsWithinTheirLimits) {
  EXPECT_FALSE(catalog_->GetSetting("a").value().has_value());
  EXPECT_TRUE(catalog_->PutSetting("b", std::string("x\0y", 3)).has_value());
  EXPECT_TRUE(catalog_->PutSetting("a", "").has_value());
  EXPECT_TRUE(catalog_->PutSetting("a", "1").has_value());
  EXPECT_EQ(catalog_->GetSetting("b").value(), std::string("x\0y", 3));
  const std::string longest(kMostSettingKeyBytes, 'k');
  EXPECT_TRUE(catalog_->PutSetting(longest, std::string(kMostSettingBytes, 'v')).has_value());
  Reopen();
  EXPECT_EQ(catalog_->ListSettings().value().size(), 3u);
  EXPECT_EQ(catalog_->ListSettings().value()[0],
            (std::pair<std::string, std::string>{"a", "1"}));
  EXPECT_TRUE(catalog_->RemoveSetting("a").has_value());
  EXPECT_TRUE(catalog_->RemoveSetting("a").has_value());
  EXPECT_FALSE(catalog_->GetSetting("a").value().has_value());
  EXPECT_EQ(catalog_->PutSetting("", "x").error().message(),
            "a setting's key has 1 to 511 bytes, not 0");
  EXPECT_EQ(catalog_->PutSetting(longest + "k", "x").error().message(),
            "a setting's key has 1 to 511 bytes, not 512");
  EXPECT_EQ(catalog_->PutSetting("k", std::string(kMostSettingBytes + 1, 'v')).error().message(),
            "the setting k of 1048577 bytes exceeds the limit of 1048576 bytes");
}

// Random commits; a reader that follows by version must know what a full read gives.
TEST_P(CatalogTest, AFollowerByVersionKnowsWhatAFullReadGives) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    disk_ = std::make_shared<MemoryCatalogDisk>();
    catalog_.reset();
    std::filesystem::remove_all(root_ + "/catalog");
    Reopen();
    std::mt19937_64 random(seed);
    std::set<Straddler> known;
    std::uint64_t known_version = 0;
    std::map<std::uint64_t, bool> live;
    std::uint64_t next = 1;
    for (int step = 0; step < 60; ++step) {
      SealCommit commit;
      for (std::uint64_t n = random() % 3; n > 0; --n) {
        live[next] = true;
        commit.added.push_back(Segment(next++));
      }
      for (auto at = live.begin(); at != live.end();) {
        const bool fresh = at->first + 3 > next;
        if (!fresh && random() % 8 == 0) {
          commit.removed.push_back(SegmentId{at->first});
          at = live.erase(at);
        } else {
          ++at;
        }
      }
      for (std::uint64_t n = live.empty() ? 0 : random() % 20; n > 0; --n) {
        auto at = live.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(random() % live.size()));
        commit.straddlers.push_back({random() % 30, SegmentId{at->first}});
      }
      Commit(commit);
      if (random() % 3 != 0) continue;
      const CatalogView view =
          Read({.straddlers_after = known_version, .tombstones_after = {}});
      known.insert(view.straddlers.begin(), view.straddlers.end());
      std::erase_if(known, [&](const Straddler& s) { return !live.contains(s.segment.value); });
      known_version = view.version;
      const auto whole = Read({.straddlers_after = 0, .tombstones_after = {}}).straddlers;
      EXPECT_EQ(std::vector<Straddler>(known.begin(), known.end()), Sorted(whole));
      EXPECT_EQ(view.segments.size(), live.size());
    }
  }
}

TEST(MemoryCatalog, FailsACommitWhenToldAndChangesNothing) {
  const auto disk = std::make_shared<MemoryCatalogDisk>();
  int commits = 0;
  MemoryCatalog catalog(disk, [&commits]() -> Status {
    if (++commits == 2) return Error(ErrorCode::kIo, "told to");
    return {};
  });
  EXPECT_TRUE(catalog.CommitSeal({.added = {Segment(1)}}).has_value());
  EXPECT_EQ(catalog.CommitSeal({.removed = {SegmentId{1}}}).error().message(), "told to");
  EXPECT_EQ(catalog.Read().value().segments.size(), 1u);
  EXPECT_TRUE(catalog.CommitSeal({.removed = {SegmentId{1}}}).has_value());
  EXPECT_TRUE(MemoryCatalog(disk).Read().value().segments.empty());
}

}  // namespace
}  // namespace tracestore::store
