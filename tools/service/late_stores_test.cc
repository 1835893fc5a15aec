#include "service/late_stores.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tracestore::tools {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;
constexpr std::uint64_t kNow = 1'700'000'000 * kSecond;

// A store with an archive beside it, at a time that the test sets.
class LateStoresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    auto opened = Store::Open(directory_, Options());
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    store_ = std::move(*opened);
    archives_ = std::make_unique<LateStores>([this] {
      StoreOptions options = Options();
      options.retention_age = std::chrono::hours(48);
      return options;
    });
  }
  ~LateStoresTest() override {
    archives_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  StoreOptions Options() {
    StoreOptions options;
    options.background_sealing = false;
    options.clock = [this] { return now_.load(); };
    return options;
  }
  // One span that started now.
  void Add(int trace) {
    const std::string at = std::to_string(now_.load());
    const auto added = store_->Append(
        R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":")" + IdOf(trace).ToHex() +
            R"(","spanId":"00f067aa0ba902b7","name":"a","startTimeUnixNano":")" + at +
            R"(","endTimeUnixNano":")" + at + R"("}]}]}]})",
        Format::kOtlpJson);
    ASSERT_TRUE(added.has_value());
    ASSERT_EQ(added->accepted, 1U);
  }
  static TraceId IdOf(int trace) { return {9, static_cast<std::uint64_t>(trace)}; }
  std::string archive() const { return ArchiveDirectory(directory_); }
  bool IsArchived(int trace) {
    const auto snapshot = archives_->Take(archive());
    EXPECT_TRUE(snapshot.has_value());
    const auto there = snapshot->Has(IdOf(trace));
    return there.has_value() && *there;
  }

  std::atomic<std::uint64_t> now_ = kNow;
  std::string directory_ = (std::filesystem::temp_directory_path() / "tracestore-XXXXXX").string();
  std::unique_ptr<Store> store_;
  std::unique_ptr<LateStores> archives_;
};

TEST_F(LateStoresTest, WhatNobodyHasOpenIsCompactedWithItsOwnRetention) {
  EXPECT_TRUE(archives_->Compact(archive()).has_value()) << "there is none";
  EXPECT_FALSE(std::filesystem::exists(archive()));
  Add(1);
  ASSERT_TRUE(archives_->Archive(*store_, archive(), IdOf(1)).has_value());
  now_ += kDay;
  ASSERT_TRUE(archives_->Compact(archive()).has_value());
  EXPECT_TRUE(IsArchived(1)) << "not so old";
  Add(2);
  ASSERT_TRUE(archives_->Archive(*store_, archive(), IdOf(2)).has_value());
  now_ += kDay + kDay / 2;
  ASSERT_TRUE(archives_->Compact(archive()).has_value());
  EXPECT_FALSE(IsArchived(1));
  EXPECT_TRUE(IsArchived(2));
  EXPECT_TRUE(*store_->TakeSnapshot()->Has(IdOf(1))) << "the store keeps what it likes";
}

TEST_F(LateStoresTest, ASnapshotOutlivesTheCompaction) {
  Add(1);
  ASSERT_TRUE(archives_->Archive(*store_, archive(), IdOf(1)).has_value());
  const auto before = archives_->Take(archive());
  ASSERT_TRUE(before.has_value());
  now_ += 5 * kDay;
  ASSERT_TRUE(archives_->Compact(archive()).has_value());
  EXPECT_FALSE(IsArchived(1));
  EXPECT_TRUE(before->Get(IdOf(1)).has_value());
}

TEST_F(LateStoresTest, OneThatIsOpenForWritingIsLeftAlone) {
  Add(1);
  ASSERT_TRUE(archives_->Archive(*store_, archive(), IdOf(1)).has_value());
  ASSERT_TRUE(archives_->ToWrite(archive()).has_value());
  now_ += 5 * kDay;
  EXPECT_TRUE(archives_->Compact(archive()).has_value());
  EXPECT_TRUE(IsArchived(1)) << "its own thread does it, which this store has not";
}

TEST_F(LateStoresTest, AnotherProcessThatWritesIsNotDisturbed) {
  Add(1);
  ASSERT_TRUE(archives_->Archive(*store_, archive(), IdOf(1)).has_value());
  LateStores other([this] { return Options(); });  // its lock is as another process's
  ASSERT_TRUE(other.ToWrite(archive()).has_value());
  const Status busy = archives_->Compact(archive());
  ASSERT_FALSE(busy.has_value());
  EXPECT_EQ(busy.error().code(), ErrorCode::kBusy);
}

// Of a thousand tenants' archives none stays open for having been looked at.
TEST_F(LateStoresTest, ALookLeavesNothingOpen) {
  const auto open_files = [this] {
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      count += std::filesystem::read_symlink(file, ignored).string().starts_with(archive());
    }
    return count;
  };
  EXPECT_FALSE(archives_->Look(archive()).has_value()) << "there is none";
  Add(1);
  ASSERT_TRUE(archives_->Archive(*store_, archive(), IdOf(1)).has_value());
  const auto stats = archives_->Look(archive());
  ASSERT_TRUE(stats.has_value()) << stats.error().message();
  EXPECT_EQ(stats->segments, 1U);
  EXPECT_EQ(open_files(), 0);
  EXPECT_TRUE(IsArchived(1));
  EXPECT_GT(open_files(), 0) << "what is asked for stays open";
  EXPECT_EQ(archives_->Look(archive())->segments, 1U);
}

// Copies, compactions and readers at once: nothing is refused, nothing is lost.
TEST_F(LateStoresTest, CopiesAndCompactionsWaitForEachOther) {
  constexpr int kTraces = 24;
  for (int i = 1; i <= kTraces; ++i) Add(i);
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int part = 0; part < 2; ++part) {
      threads.emplace_back([&, part] {
        for (int i = 1 + part; i <= kTraces; i += 2) {
          if (!archives_->Archive(*store_, archive(), IdOf(i)).has_value()) ++wrong;
        }
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 6; ++i) {
        if (!archives_->Compact(archive()).has_value()) ++wrong;
      }
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        if (!archives_->Take(archive()).has_value()) ++wrong;
      }
    });
  }
  EXPECT_EQ(wrong, 0);
  for (int i = 1; i <= kTraces; ++i) EXPECT_TRUE(IsArchived(i)) << i;
}

}  // namespace
}  // namespace tracestore::tools
