#include "base/memory_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

namespace tracestore {
namespace {

using Refusal = MemoryAccount::Refusal;

TEST(MemoryBudget, OneQueryIsRefusedPastItsOwnLimit) {
  const auto budget = std::make_shared<MemoryBudget>(MemoryBudget::Limits{.all = 100, .each = 10});
  MemoryAccount account(budget);
  EXPECT_TRUE(account.Take(10).has_value());
  const Status refused = account.Take(1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(refused.error().message(), "the query needs more memory than one may have, 10 bytes");
  EXPECT_EQ(account.refusal(), Refusal::kEach);
  EXPECT_EQ(account.used(), 10U);
  EXPECT_EQ(budget->used(), 10U);
}

TEST(MemoryBudget, AllTogetherAreRefusedPastTheirs) {
  const auto budget = std::make_shared<MemoryBudget>(MemoryBudget::Limits{.all = 15, .each = 10});
  auto one = std::make_unique<MemoryAccount>(budget);
  MemoryAccount other(budget);
  EXPECT_TRUE(one->Take(10).has_value());
  const Status refused = other.Take(6);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), "queries hold as much memory as they may, 15 bytes");
  EXPECT_EQ(other.refusal(), Refusal::kAll);
  EXPECT_EQ(other.used(), 0U) << "nothing is taken";
  EXPECT_TRUE(other.Take(5).has_value());
  one.reset();  // what it had is free
  EXPECT_EQ(budget->used(), 5U);
  EXPECT_TRUE(other.Take(5).has_value());
  EXPECT_EQ(other.refusal(), Refusal::kAll) << "the first one stays";
}

TEST(MemoryBudget, WithoutLimitsItOnlyCounts) {
  const auto budget = std::make_shared<MemoryBudget>(MemoryBudget::Limits{});
  MemoryAccount account(budget);
  EXPECT_TRUE(account.Take(1ULL << 40).has_value());
  EXPECT_EQ(budget->used(), 1ULL << 40);
}

TEST(MemoryHold, GrowsShrinksAndGivesBack) {
  const auto budget = std::make_shared<MemoryBudget>(MemoryBudget::Limits{.all = 0, .each = 100});
  const auto account = std::make_shared<MemoryAccount>(budget);
  {
    MemoryHold hold(account);
    EXPECT_TRUE(hold.Set(80).has_value());
    EXPECT_FALSE(hold.Set(101).has_value());
    EXPECT_EQ(account->used(), 80U) << "as it was";
    EXPECT_TRUE(hold.Set(30).has_value());
    EXPECT_EQ(budget->used(), 30U);
    MemoryHold moved(std::move(hold));
    EXPECT_EQ(account->used(), 30U);
    MemoryHold other(account);
    EXPECT_TRUE(other.Set(5).has_value());
    other = std::move(moved);
    EXPECT_EQ(account->used(), 30U) << "what it had before is given back";
  }
  EXPECT_EQ(account->used(), 0U);
  MemoryHold nothing;
  EXPECT_FALSE(nothing.counts());
  EXPECT_TRUE(nothing.Set(1ULL << 60).has_value());
}

TEST(MemoryBudget, ManyThreadsNeverHoldMore) {
  const auto budget =
      std::make_shared<MemoryBudget>(MemoryBudget::Limits{.all = 1'000, .each = 400});
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 2'000; ++round) {
        const auto account = std::make_shared<MemoryAccount>(budget);
        MemoryHold a(account), b(account);
        (void)a.Set(300);
        (void)b.Set(round % 150 + 1ULL);
        if (account->used() > 400 || budget->used() > 1'000) ++wrong[i];
      }
    });
  }
  threads.clear();
  for (const int count : wrong) EXPECT_EQ(count, 0);
  EXPECT_EQ(budget->used(), 0U);
}

}  // namespace
}  // namespace tracestore
