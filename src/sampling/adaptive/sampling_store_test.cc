#include "sampling/adaptive/sampling_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tracestore/store.h>
#include <unistd.h>

#include <filesystem>
#include <random>

namespace tracestore::sampling {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ThroughputReport Report(std::uint64_t begin, std::uint64_t end, std::uint64_t sampled) {
  return {begin, end, {{"s", "op", sampled, {1000, 2000}, true}}};
}

class SamplingStoreTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) {
      store_ = MakeMemorySamplingStore();
      return;
    }
    directory_ =
        std::filesystem::temp_directory_path() / ("sampling_store_" + std::to_string(getpid()));
    std::filesystem::remove_all(directory_);
    auto opened = Store::Open(directory_.string(), {});
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    traces_ = std::move(*opened);
    auto store = OpenCatalogSamplingStore(directory_.string());
    ASSERT_TRUE(store.has_value()) << store.error().message();
    store_ = std::move(*store);
  }
  void TearDown() override {
    store_.reset();
    traces_.reset();
    if (GetParam()) std::filesystem::remove_all(directory_);
  }

  std::filesystem::path directory_;
  std::unique_ptr<Store> traces_;
  std::unique_ptr<SamplingStore> store_;
};

INSTANTIATE_TEST_SUITE_P(MemoryAndCatalog, SamplingStoreTest, testing::Bool(),
                         [](const auto& which) { return which.param ? "Catalog" : "Memory"; });

TEST_P(SamplingStoreTest, GivesTheReportsOfARange) {
  ASSERT_TRUE(store_->AddThroughput("a", Report(0, 100, 1), 0).has_value());
  ASSERT_TRUE(store_->AddThroughput("b", Report(0, 100, 2), 0).has_value());
  ASSERT_TRUE(store_->AddThroughput("a", Report(100, 300, 3), 0).has_value());
  EXPECT_THAT(*store_->ThroughputBetween(0, 100),
              ElementsAre(Report(0, 100, 1), Report(0, 100, 2)));
  EXPECT_THAT(*store_->ThroughputBetween(100, 299), IsEmpty());
  EXPECT_THAT(*store_->ThroughputBetween(100, 300), ElementsAre(Report(100, 300, 3)));
  EXPECT_THAT(*store_->ThroughputBetween(300, 300), IsEmpty());
  // A later report forgets the old ones.
  ASSERT_TRUE(store_->AddThroughput("a", Report(300, 400, 4), 300).has_value());
  EXPECT_THAT(*store_->ThroughputBetween(0, 400),
              ElementsAre(Report(100, 300, 3), Report(300, 400, 4)));
}

TEST_P(SamplingStoreTest, KeepsTheStatesLastPut) {
  EXPECT_THAT(*store_->States(), IsEmpty());
  const std::vector<OperationState> states = {{"s", "op", 0.25, 1.5, 77}, {"s", "", 1e-5, 0, 0}};
  ASSERT_TRUE(store_->PutStates({{"x", "y", 1, 1, 1}}).has_value());
  ASSERT_TRUE(store_->PutStates(states).has_value());
  EXPECT_EQ(*store_->States(), states);
}

TEST_P(SamplingStoreTest, OneHoldsTheLeaseUntilItRunsOut) {
  const std::chrono::nanoseconds minute(60);
  EXPECT_TRUE(*store_->TryLease("a", 1000, minute));
  EXPECT_FALSE(*store_->TryLease("b", 1030, minute));
  EXPECT_TRUE(*store_->TryLease("a", 1050, minute));  // renewed: until 1110
  EXPECT_FALSE(*store_->TryLease("b", 1109, minute));
  EXPECT_TRUE(*store_->TryLease("b", 1110, minute));  // a is gone
  EXPECT_FALSE(*store_->TryLease("a", 1120, minute));
}

TEST(SamplingState, RoundTripsAndRefusesEveryTruncation) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    ThroughputReport report{random(), random(), {}};
    std::vector<OperationState> states;
    for (auto count = random() % 4; count > 0; --count) {
      Throughput& each = report.operations.emplace_back();
      each = {std::string(random() % 200, 's'), "op\0x", random(), {}, random() % 2 == 0};
      for (auto p = random() % 11; p > 0; --p)
        each.millionths.push_back(static_cast<std::uint32_t>(random() % 1'000'001));
      states.push_back({"s", std::string(random() % 200, 'o'),
                        static_cast<double>(random() % 1000) / 1000, 3.5, random()});
    }
    const std::string first = EncodeThroughput(report);
    EXPECT_EQ(*DecodeThroughput(first), report);
    for (std::size_t cut = 0; cut < first.size(); ++cut)
      ASSERT_FALSE(DecodeThroughput(std::string_view(first).substr(0, cut)).has_value());
    const std::string second = EncodeStates(states);
    EXPECT_EQ(*DecodeStates(second), states);
    for (std::size_t cut = 0; cut < second.size(); ++cut)
      ASSERT_FALSE(DecodeStates(std::string_view(second).substr(0, cut)).has_value());
    EXPECT_EQ(DecodeStates("\x02" + second.substr(1)).error().code(), ErrorCode::kUnsupported);
  }
}

}  // namespace
}  // namespace tracestore::sampling
