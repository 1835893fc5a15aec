// What queries keep: answers are the same whatever StoreOptions::query_memory_bytes says, its parts
// hold their bounds, and many threads share them.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <tracestore/store.h>

#include "api/deletes_test_support.h"
#include "predicate/testing/naive_search.h"
#include "predicate/testing/random.h"
#include "predicate/testing/small_world.h"
#include "store/engine/snapshot.h"

namespace tracestore {
namespace {

using api::testing::TemporaryDirectory;
using predicate::testing::Random;
using predicate::testing::RandomQuery;

// Three segments of many pages each and a head, with traces in several of them.
std::vector<model::SpanBatch> Batches() {
  predicate::testing::SmallWorldOptions options;
  options.id_seed = 5;
  options.most_traces = 120;
  options.spans = 2'500;
  std::vector<model::SpanBatch> batches;
  for (std::uint64_t seed = 50; seed < 54; ++seed)
    batches.push_back(predicate::testing::SmallWorldBatch(seed, options));
  return batches;
}

std::string TextOf(const SpanList& spans) {
  std::multiset<std::string> lines;  // a list's order is of no meaning
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const SpanView span = spans[i];
    lines.insert(span.span_id().ToHex() + span.parent_id().ToHex() + std::string(span.name()) +
                 std::to_string(span.start_ns()) + " " + std::to_string(span.duration_ns()) + " " +
                 std::to_string(span.attributes().size()) + std::string(span.service()));
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// Every kind of question, as texts of the answers.
std::vector<std::string> AskAll(const Snapshot& snapshot, const std::vector<TraceId>& ids,
                                const std::vector<Query>& queries) {
  std::vector<std::string> answers;
  for (const TraceId id : ids) {
    const auto spans = snapshot.Get(id);
    answers.push_back(spans.has_value() ? TextOf(*spans) : "none");
    if (!spans.has_value()) continue;
    const auto summary = snapshot.Summarize(id);
    answers.push_back(summary.has_value() ? summary->root_operation + " " +
                                                std::to_string(summary->span_count)
                                          : "none");
    const auto below = snapshot.GetSubtree(id, (*spans)[0].span_id());
    answers.push_back(below.has_value() ? TextOf(*below) : "none");
  }
  for (const Query& query : queries) {
    const auto page = snapshot.Find(query);
    std::string& answer = answers.emplace_back();
    if (!page.has_value()) continue;
    for (const FoundTrace& found : page->traces) answer += found.trace_id.ToHex() + "\n";
  }
  std::string& links = answers.emplace_back();
  for (const TimeRange range : {TimeRange{}, TimeRange{1'700'000'000'000'000'000ULL, ~0ULL}}) {
    const auto calls = snapshot.Dependencies(range);
    if (!calls.has_value()) continue;
    for (const DependencyLink& link : *calls)
      links += link.parent + link.child + std::to_string(link.calls) + "\n";
  }
  MetricsQuery metrics;
  metrics.quantiles = {0.5};
  std::string& calls = answers.emplace_back();
  if (const auto list = snapshot.Metrics(metrics); list.has_value()) {
    for (const auto& series : *list)
      calls += series.service + series.operation + std::to_string(series.calls) + "\n";
  }
  return answers;
}

class QueryMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.background_sealing = false;
    auto opened = Store::Open(directory_.path(), options);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    store_ = std::move(*opened);
    std::vector<model::SpanBatch> batches = Batches();
    std::set<TraceId> ids;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      for (const auto& span : batches[i].spans) ids.insert(span.trace_id);
      if (i == 1) {
        for (int n = 0; n < 10; ++n)
          queries_.push_back(RandomQuery(static_cast<std::uint64_t>(n) + 900, batches[i]));
      }
      ASSERT_TRUE(store_->AppendBatch(std::move(batches[i])).has_value());
      if (i < 3) {
        ASSERT_TRUE(store_->Seal().has_value());
      }
    }
    for (const TraceId id : ids) {
      if (ids_.size() < 15) ids_.push_back(id);
    }
    ids_.push_back({1, 2});  // isn't there
  }

  // A second handle on the directory, which reads.
  std::unique_ptr<Store> Open(std::uint64_t bytes) {
    StoreOptions options;
    options.mode = OpenMode::kRead;
    options.query_memory_bytes = bytes;
    auto opened = Store::Open(directory_.path(), options);
    EXPECT_TRUE(opened.has_value());
    return opened.has_value() ? std::move(*opened) : nullptr;
  }

  static void ExpectWithin(const Snapshot& snapshot, std::uint64_t bytes) {
    const auto& data = *snapshot.data();
    EXPECT_LE(data.memory->pages()->memory_bytes(), bytes / 2);
    EXPECT_LE(data.memory->by_segment().memory_bytes(), bytes / 4);
    EXPECT_LE(data.memo->memory_bytes(), bytes / 8);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
  std::vector<TraceId> ids_;
  std::vector<Query> queries_;
};

TEST_F(QueryMemoryTest, ChangesNoAnswerAndHoldsItsBound) {
  const auto plain = Open(0);
  const auto plain_snapshot = plain->TakeSnapshot();
  ASSERT_TRUE(plain_snapshot.has_value());
  const auto expected = AskAll(*plain_snapshot, ids_, queries_);
  ExpectWithin(*plain_snapshot, 0);
  EXPECT_EQ(0U, plain_snapshot->data()->memory->pages()->size());
  for (const std::uint64_t bytes : {1ULL, 64ULL << 10, 1ULL << 20, 128ULL << 20}) {
    SCOPED_TRACE(bytes);
    const auto store = Open(bytes);
    for (int round = 0; round < 2; ++round) {
      const auto snapshot = store->TakeSnapshot();
      ASSERT_TRUE(snapshot.has_value());
      EXPECT_TRUE(expected == AskAll(*snapshot, ids_, queries_)) << "round " << round;
      ExpectWithin(*snapshot, bytes);
      if (bytes >= 1ULL << 20) {
        EXPECT_GT(snapshot->data()->memory->pages()->size(), 0U);
      }
    }
  }
}

TEST_F(QueryMemoryTest, IsSharedByManyThreads) {
  const auto plain = Open(0);
  const auto plain_snapshot = plain->TakeSnapshot();
  ASSERT_TRUE(plain_snapshot.has_value());
  ids_.resize(8);
  const auto expected = AskAll(*plain_snapshot, ids_, queries_);
  const auto store = Open(1ULL << 20);  // so that pages come and go
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 2; ++round) {
        const auto snapshot = store->TakeSnapshot();
        if (!snapshot.has_value() || AskAll(*snapshot, ids_, queries_) != expected) ++wrong[i];
      }
    });
  }
  threads.clear();
  for (const int count : wrong) EXPECT_EQ(0, count);
}

// The pages of a segment that a merge has taken away go with its last snapshot.
TEST_F(QueryMemoryTest, ForgetsSegmentsThatAreGone) {
  auto snapshot = store_->TakeSnapshot();
  ASSERT_TRUE(snapshot.has_value());
  (void)AskAll(*snapshot, ids_, queries_);
  const auto pages = snapshot->data()->memory->pages();
  EXPECT_GT(pages->size(), 0U);
  CompactOptions all;
  all.full = true;
  ASSERT_TRUE(store_->Compact(all).has_value());
  EXPECT_GT(pages->size(), 0U) << "the snapshot reads them still";
  snapshot = store_->TakeSnapshot();
  EXPECT_EQ(0U, pages->size());
}

TEST_F(QueryMemoryTest, IsRefusedPastItsRange) {
  StoreOptions options;
  options.mode = OpenMode::kRead;
  options.query_memory_bytes = (1ULL << 40) + 1;
  const auto opened = Store::Open(directory_.path(), options);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(ErrorCode::kInvalidArgument, opened.error().code());
  EXPECT_EQ("store options: query_memory_bytes must be at most 1 TiB", opened.error().message());
}

}  // namespace
}  // namespace tracestore
