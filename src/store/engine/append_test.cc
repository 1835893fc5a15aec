// Appends of many threads share writes and syncs; what was acknowledged outlives a power cut.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "fs/memory_file_system.h"
#include "store/catalog/memory_catalog.h"
#include "store/engine/engine.h"
#include "store/engine/one_span_test_support.h"

namespace tracestore::store {
namespace {

using testing::OneSpan;

constexpr std::uint64_t kThreads = 4;
constexpr std::uint64_t kAppends = 100;

class AppendTest : public ::testing::Test {
 protected:
  void Open(StoreOptions options) {
    engine_.reset();
    options.metric = [this](std::string_view name, double value) {
      if (name == "append_group_batches") grouped_ += static_cast<std::uint64_t>(value);
    };
    auto engine = Engine::Open(files_, "store", std::make_unique<MemoryCatalog>(disk_), options);
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    engine_ = std::move(*engine);
  }
  static StoreOptions With(SyncPolicy sync) {
    StoreOptions options;
    options.sync = sync;
    options.sync_interval = std::chrono::hours(1);
    options.background_sealing = false;
    return options;
  }
  void AppendFromThreads(std::uint64_t first_trace) {
    std::atomic<int> refused{0};
    {
      std::vector<std::jthread> threads;
      for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
          for (std::uint64_t i = 0; i < kAppends; ++i) {
            if (!engine_->Append(OneSpan(first_trace + thread, i)).has_value()) ++refused;
          }
        });
      }
    }
    EXPECT_EQ(refused, 0);
  }
  std::uint64_t SpansSeen() {
    const auto data = engine_->TakeSnapshot();
    EXPECT_TRUE(data.has_value()) << data.error().message();
    std::uint64_t spans = 0;
    if (!data.has_value()) return 0;
    for (const auto& batch : (*data)->head) spans += batch->batch().spans.size();
    for (const auto& segment : (*data)->segments) spans += segment->meta().rows;
    return spans;
  }
  // What had them open before the power cut stays till the test's end, and is asked no more.
  void CutPower() {
    files_.DropUnsynced();
    dead_ = std::move(engine_);
  }

  fs::MemoryFileSystem files_;
  std::shared_ptr<MemoryCatalogDisk> disk_ = std::make_shared<MemoryCatalogDisk>();
  std::atomic<std::uint64_t> grouped_{0};
  std::unique_ptr<Engine> dead_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(AppendTest, EveryAppendOfManyThreadsIsInOneGroupAndThere) {
  Open(With(SyncPolicy::kFull));
  AppendFromThreads(1);
  EXPECT_EQ(grouped_, kThreads * kAppends);
  EXPECT_EQ(SpansSeen(), kThreads * kAppends);
  CutPower();
  Open(With(SyncPolicy::kFull));
  EXPECT_EQ(SpansSeen(), kThreads * kAppends);
}

TEST_F(AppendTest, ASyncKeepsWhatWasAppendedBeforeIt) {
  Open(With(SyncPolicy::kOff));
  AppendFromThreads(1);
  ASSERT_TRUE(engine_->Sync().has_value());
  ASSERT_TRUE(engine_->Append(OneSpan(100, 1)).has_value());
  CutPower();
  Open(With(SyncPolicy::kOff));
  EXPECT_EQ(SpansSeen(), kThreads * kAppends);  // without the one that nobody synced
}

TEST_F(AppendTest, OpeningRemovesLeftSegmentsAndNothingElse) {
  Open(With(SyncPolicy::kFull));
  ASSERT_TRUE(engine_->Append(OneSpan(1, 1)).has_value());
  ASSERT_TRUE(engine_->Close().has_value());
  const std::string left[] = {"00000000000000aa.seg", "00000000000000ab.seg.tmp"};
  const std::string others[] = {"notes.txt", "00000000000000aa.seg.bak", "x.seg"};
  for (const std::string& name : left)
    ASSERT_TRUE(files_.CreateExclusive("store/segments/" + name).has_value());
  for (const std::string& name : others)
    ASSERT_TRUE(files_.CreateExclusive("store/segments/" + name).has_value());
  Open(With(SyncPolicy::kFull));
  for (const std::string& name : left)
    EXPECT_FALSE(*files_.Exists("store/segments/" + name)) << name;
  for (const std::string& name : others)
    EXPECT_TRUE(*files_.Exists("store/segments/" + name)) << name;
  EXPECT_EQ(SpansSeen(), 1U);
}

TEST_F(AppendTest, CountsTheBytesOfTheLogUntilTheyAreSealed) {
  Open(With(SyncPolicy::kOff));
  AppendFromThreads(1);
  EXPECT_GT((*engine_->TakeSnapshot())->log_bytes, kThreads * kAppends * 32);
  ASSERT_TRUE(engine_->Seal().has_value());
  EXPECT_EQ((*engine_->TakeSnapshot())->log_bytes, 0u);
}

TEST_F(AppendTest, SyncsWhileOthersAppendAndSeal) {
  StoreOptions options = With(SyncPolicy::kInterval);
  options.head_max_spans = 1'000;
  options.background_sealing = true;
  Open(options);
  std::atomic<bool> stop{false};
  std::jthread syncer([&] {
    while (!stop) EXPECT_TRUE(engine_->Sync().has_value());
  });
  for (std::uint64_t round = 0; round < 5; ++round) AppendFromThreads(1 + round * kThreads);
  stop = true;
  syncer.join();
  ASSERT_TRUE(engine_->Seal().has_value());
  EXPECT_EQ(SpansSeen(), 5 * kThreads * kAppends);
}

}  // namespace
}  // namespace tracestore::store
