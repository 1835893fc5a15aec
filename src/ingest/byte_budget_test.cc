#include "ingest/byte_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tracestore::ingest {
namespace {

TEST(ByteBudget, GivesWhatIsFreeAndTakesItBack) {
  ByteBudget budget(100);
  ByteBudget::Hold first(budget);
  EXPECT_TRUE(first.Take(60));
  {
    ByteBudget::Hold second(budget);
    EXPECT_FALSE(second.Take(41));
    EXPECT_TRUE(second.Take(40));
    EXPECT_FALSE(first.Take(1));
    EXPECT_EQ(budget.used(), 100u);
    EXPECT_EQ(budget.holds(), 2u);
  }
  EXPECT_EQ(budget.used(), 60u);
  EXPECT_EQ(budget.holds(), 1u);
  EXPECT_TRUE(first.Take(40));
}

TEST(ByteBudget, LetsOneThatIsAloneTakeWhatItNeeds) {
  ByteBudget budget(100);
  {
    ByteBudget::Hold large(budget);
    EXPECT_TRUE(large.Take(1000));
    EXPECT_TRUE(large.Take(1000));
    ByteBudget::Hold other(budget);
    EXPECT_FALSE(other.Take(1));
  }
  EXPECT_EQ(budget.used(), 0u);
}

TEST(ByteBudget, IsWholeAgainAfterManyThreads) {
  ByteBudget budget(1000);
  std::atomic<bool> beyond = false;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        ByteBudget::Hold hold(budget);
        if (hold.Take(300) && budget.used() > 1000) beyond = true;
      }
    });
  }
  threads.clear();
  EXPECT_FALSE(beyond);
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_EQ(budget.holds(), 0u);
}

}  // namespace
}  // namespace tracestore::ingest
