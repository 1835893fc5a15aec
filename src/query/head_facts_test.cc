// Dependencies and span metrics of a head that grows and is merged from question to question, with
// what the memo keeps against without.
#include "query/head_facts.h"

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "query/dependencies.h"
#include "query/query_test_support.h"
#include "query/span_metrics.h"
#include "store/engine/head.h"

namespace tracestore::query {
namespace {

using testing::TestWorld;

std::string TextOf(const Result<std::vector<DependencyLink>>& links) {
  if (!links.has_value()) return links.error().message();
  std::string text;
  for (const DependencyLink& link : *links)
    text += link.parent + " " + link.child + " " + std::to_string(link.calls) + " " +
            std::to_string(link.errors) + "\n";
  return text;
}

std::string TextOf(const Result<std::vector<SpanMetric>>& metrics) {
  if (!metrics.has_value()) return metrics.error().message();
  std::string text;
  for (const SpanMetric& metric : *metrics) {
    text += metric.service + " " + metric.operation + " " +
            std::to_string(static_cast<int>(metric.kind)) + " " +
            std::to_string(metric.step_begin_ns) + " " + std::to_string(metric.calls) + " " +
            std::to_string(metric.errors);
    for (const auto& bucket : metric.latency.buckets())
      text += " " + std::to_string(bucket.first) + ":" + std::to_string(bucket.second);
    text += "\n";
  }
  return text;
}

void ExpectAsWithoutMemo(const store::SnapshotData& data, TimeRange range) {
  store::SnapshotData plain = data;
  plain.memo = nullptr;
  const std::string links = TextOf(Dependencies(plain, range));
  EXPECT_EQ(links, TextOf(Dependencies(data, range)));
  const SpanMetricsQuery query{range, 60'000'000'000, {}};
  EXPECT_EQ(TextOf(SpanMetrics(plain, query)), TextOf(SpanMetrics(data, query)));
}

// Some rows of a small world, to be appended piece by piece.
class Arrivals {
 public:
  explicit Arrivals(std::uint64_t seed) : random_(seed) {
    predicate::testing::SmallWorldOptions options;
    options.id_seed = seed;
    options.most_traces = 40;
    options.spans = 900;
    all_ = predicate::testing::SmallWorldBatch(seed * 16 + 9, options);
  }
  bool done() const { return next_ == all_.size(); }
  model::SpanBatch Next() {
    model::SpanBatch piece;
    model::BatchAppender appender(piece);
    appender.SetSource(all_);
    for (std::uint64_t left = 1 + random_() % 60; left > 0 && !done(); --left)
      appender.Append(next_++);
    return piece;
  }

 private:
  std::mt19937_64 random_;
  model::SpanBatch all_;
  std::uint32_t next_ = 0;
};

void FillSegments(std::uint64_t seed, TestWorld& world) {
  predicate::testing::SmallWorldOptions options;
  options.id_seed = seed;
  options.most_traces = 60;
  options.spans = 200;
  for (std::uint64_t i = 0; i < seed % 3; ++i)
    world.AddSegment(predicate::testing::SmallWorldBatch(seed * 16 + i, options));
}

TEST(HeadFacts, AnswerAsIfNothingWereKept) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestWorld world;
    FillSegments(seed, world);
    store::Head head;
    Arrivals arrivals(seed);
    store::SnapshotData data = world.data();
    data.memo = std::make_shared<store::Memo>(std::size_t{8} << 20);
    std::mt19937_64 random(seed);
    store::SnapshotData older = data;
    std::uint64_t end = 0;
    const std::uint64_t base = 1'700'000'000'000'000'000;
    while (!arrivals.done()) {
      head.Add(arrivals.Next(), {1, ++end});
      if (random() % 3 != 0) continue;
      data.head = head.batches();
      const std::uint64_t at = base + random() % 3'600'000'000'000;
      ExpectAsWithoutMemo(data, random() % 2 == 0 ? TimeRange{} : TimeRange{base, at});
      // of the same memo, with a smaller head
      if (random() % 4 == 0) ExpectAsWithoutMemo(older, {});
      if (random() % 4 == 0) older = data;
      if (HasFailure()) return;
    }
    EXPECT_NE(nullptr, data.memo->Find<HeadFacts>("head facts 0"));
    EXPECT_NE(nullptr, data.memo->Find<HeadFacts>("head facts 1"));
  }
}

TEST(HeadFacts, AreNotKeptWithoutRoom) {
  TestWorld world;
  FillSegments(2, world);
  store::Head head;
  Arrivals arrivals(2);
  store::SnapshotData data = world.data();
  data.memo = std::make_shared<store::Memo>(std::size_t{16} << 10);
  for (std::uint64_t end = 1; !arrivals.done(); ++end) head.Add(arrivals.Next(), {1, end});
  data.head = head.batches();
  ExpectAsWithoutMemo(data, {});
  EXPECT_EQ(nullptr, data.memo->Find<HeadFacts>("head facts 0"));
}

TEST(HeadFacts, AssembleOnlyWhatChanged) {
  TestWorld world;
  store::Head head;
  Arrivals arrivals(3);
  store::SnapshotData data = world.data();
  std::shared_ptr<const HeadFacts> facts;
  std::set<TraceId> ids;
  for (std::uint64_t end = 1; !arrivals.done(); ++end) {
    model::SpanBatch piece = arrivals.Next();
    for (const model::SpanRecord& span : piece.spans) ids.insert(span.trace_id);
    head.Add(std::move(piece), {1, end});
    data.head = head.batches();
    const auto next = HeadFacts::Advance(facts, data, FactKind::kSpans);
    ASSERT_TRUE(next.has_value()) << next.error().message();
    EXPECT_NE(facts, *next);
    facts = *next;
    EXPECT_EQ(ids.size(), facts->trace_count());
    EXPECT_LE(facts->group_count(), 10U);
    EXPECT_EQ(facts, *HeadFacts::Advance(facts, data, FactKind::kSpans)) << "nothing came";
  }
  // Of a cancelled snapshot: what is known needs no look at a trace, what came does.
  const std::atomic<bool> cancel = true;
  data.stop.cancel = &cancel;
  EXPECT_TRUE(HeadFacts::Advance(facts, data, FactKind::kSpans).has_value());
  head.Add(Arrivals(4).Next(), {2, 1});
  data.head = head.batches();
  const auto stopped = HeadFacts::Advance(facts, data, FactKind::kSpans);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(ErrorCode::kCancelled, stopped.error().code());
}

}  // namespace
}  // namespace tracestore::query
