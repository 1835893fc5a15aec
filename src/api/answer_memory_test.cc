// What answers hold is counted for who asks: while it is held, and no more; past a limit a query is
// refused before it has taken much more.
#include <gtest/gtest.h>
#include <tracestore/store.h>

#include <memory>
#include <optional>
#include <string>

#include "api/deletes_test_support.h"
#include "base/memory_budget.h"
#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore {
namespace {

using api::testing::TemporaryDirectory;

constexpr TraceId kLarge{7, 7};
constexpr std::uint32_t kLargeSpans = 40'000;
constexpr std::uint32_t kSmallTraces = 2'000;

void AddSpan(model::SpanBatch& batch, TraceId trace, std::uint64_t number) {
  model::SpanRecord span;
  span.trace_id = trace;
  span.span_id = {number};
  span.name = batch.strings.Intern("step " + std::to_string(number) + std::string(60, 'x'));
  span.start_ns = 1'700'000'000'000'000'000ULL + number;
  span.duration_ns = 10;
  span.presence = model::kHasStart | model::kHasDuration;
  batch.spans.push_back(span);
}

model::SpanBatch Spans(bool large) {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.AddString(batch.strings.Intern("service.name"), "nightly");
  batch.resources[0].attributes = {0, 1};
  batch.scopes.emplace_back();
  for (std::uint32_t i = 1; i <= (large ? kLargeSpans : kSmallTraces); ++i)
    AddSpan(batch, large ? kLarge : TraceId{8, i}, i);
  return batch;
}

// As a service asks: a snapshot with the account of a query.
struct Asking {
  Asking(const Snapshot& of, MemoryBudget::Limits limits)
      : budget(std::make_shared<MemoryBudget>(limits)),
        account(std::make_shared<MemoryAccount>(budget)),
        snapshot(With(of, account)) {}
  static Snapshot With(const Snapshot& of, const std::shared_ptr<MemoryAccount>& account) {
    auto data = std::make_shared<store::SnapshotData>(*of.data());
    data->account = account;
    return Snapshot(std::move(data));
  }
  std::shared_ptr<MemoryBudget> budget;
  std::shared_ptr<MemoryAccount> account;
  Snapshot snapshot;
};

class AnswerMemoryTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.background_sealing = false;
    auto opened = Store::Open(directory_.path(), options);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    store_ = std::move(*opened);
    ASSERT_TRUE(store_->AppendBatch(Spans(true)).has_value());
    ASSERT_TRUE(store_->AppendBatch(Spans(false)).has_value());
    if (GetParam()) {
      ASSERT_TRUE(store_->Seal().has_value());
    }
    auto taken = store_->TakeSnapshot();
    ASSERT_TRUE(taken.has_value());
    snapshot_.emplace(std::move(*taken));
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
  std::optional<Snapshot> snapshot_;
};

INSTANTIATE_TEST_SUITE_P(HeadAndSegment, AnswerMemoryTest, ::testing::Bool());

TEST_P(AnswerMemoryTest, SpansAreCountedWhileSomebodyHasThem) {
  const Asking asking(*snapshot_, {});
  {
    const auto trace = asking.snapshot.Get(kLarge);
    ASSERT_TRUE(trace.has_value());
    EXPECT_EQ(trace->size(), kLargeSpans);
    EXPECT_EQ(asking.account->used(), trace->batch()->memory_bytes());
    const SpanList copy = *trace;  // shares it
    EXPECT_EQ(asking.account->used(), trace->batch()->memory_bytes());
    Query some;
    some.limit = 500;
    const auto page = asking.snapshot.ReadSpans(some);
    ASSERT_TRUE(page.has_value());
    EXPECT_EQ(asking.account->used(),
              trace->batch()->memory_bytes() + page->spans.batch()->memory_bytes());
    const auto found = asking.snapshot.FindSpans(some);
    ASSERT_TRUE(found.has_value());
    EXPECT_GT(asking.account->used(),
              trace->batch()->memory_bytes() + page->spans.batch()->memory_bytes());
  }
  EXPECT_EQ(asking.account->used(), 0U);
  EXPECT_EQ(asking.account->refusal(), MemoryAccount::Refusal::kNone);
}

TEST_P(AnswerMemoryTest, ALargeTraceIsRefusedAndSmallOnesAreNot) {
  constexpr std::uint64_t kLimit = 1 << 20;
  const Asking asking(*snapshot_, {.all = 0, .each = kLimit});
  EXPECT_TRUE(asking.snapshot.Get({8, 3}).has_value());
  const auto trace = asking.snapshot.Get(kLarge);
  ASSERT_FALSE(trace.has_value());
  EXPECT_EQ(trace.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(trace.error().message(), "the query needs more memory than one may have, 1048576 bytes");
  EXPECT_EQ(asking.account->refusal(), MemoryAccount::Refusal::kEach);
  EXPECT_EQ(asking.account->used(), 0U) << "what was read is gone";
  Query all;
  all.limit = 0;
  const auto page = asking.snapshot.ReadSpans(all);
  ASSERT_FALSE(page.has_value());
  EXPECT_EQ(page.error().code(), ErrorCode::kBusy);
}

TEST_P(AnswerMemoryTest, BatchesOfAllSpansAreCountedWhileTheVisitorHasThem) {
  const Asking asking(*snapshot_, {});
  std::size_t spans = 0;
  const auto visited = asking.snapshot.ForEachBatch([&](const SpanList& list) {
    EXPECT_GE(asking.account->used(), list.batch()->memory_bytes());
    spans += list.size();
    return true;
  });
  ASSERT_TRUE(visited.has_value()) << visited.error().message();
  EXPECT_EQ(kLargeSpans + kSmallTraces, spans);
  EXPECT_EQ(asking.account->used(), 0U);
}

TEST_P(AnswerMemoryTest, ASubtreeIsCountedWhileSomebodyHasIt) {
  const Asking asking(*snapshot_, {});
  {
    const auto subtree = asking.snapshot.GetSubtree(kLarge, SpanId{5});
    ASSERT_TRUE(subtree.has_value()) << subtree.error().message();
    EXPECT_EQ(asking.account->used(), subtree->batch()->memory_bytes());
  }
  EXPECT_EQ(asking.account->used(), 0U);
}

TEST_P(AnswerMemoryTest, ASearchOfAllTracesIsCounted) {
  Query all;
  all.limit = 0;
  const Asking few(*snapshot_, {.all = 0, .each = 20'000});
  const auto refused = few.snapshot.Find(all);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
  const Asking many(*snapshot_, {.all = 0, .each = 1 << 20});
  const auto found = many.snapshot.Find(all);
  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_EQ(found->traces.size(), kSmallTraces + 1);
}

TEST_P(AnswerMemoryTest, SummariesNeedNoSpans) {
  const Asking asking(*snapshot_, {.all = 0, .each = 8 << 20});
  const auto summary = asking.snapshot.Summarize(kLarge);
  ASSERT_TRUE(summary.has_value()) << summary.error().message();
  EXPECT_EQ(summary->span_count, kLargeSpans);
}

}  // namespace
}  // namespace tracestore
