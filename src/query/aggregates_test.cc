// Dependencies and span metrics against a recount of whole traces, on data whose traces lie in
// several segments and the head.
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "assembly/duplicates.h"
#include "assembly/links.h"
#include "query/dependencies.h"
#include "query/query_test_support.h"
#include "query/span_metrics.h"

namespace tracestore::query {
namespace {

using model::LatencyHistogram;
using model::SpanBatch;
using model::SpanRecord;
using testing::FillSmallWorld;
using testing::TestWorld;

std::map<TraceId, SpanBatch> ByTrace(const SpanBatch& all) {
  std::map<TraceId, std::vector<std::uint32_t>> rows;
  for (std::uint32_t row = 0; row < all.size(); ++row) rows[all.spans[row].trace_id].push_back(row);
  std::map<TraceId, SpanBatch> traces;
  for (const auto& [id, list] : rows) {
    model::BatchAppender appender(traces[id]);
    appender.SetSource(all);
    for (const std::uint32_t row : list) appender.Append(row);
  }
  return traces;
}

bool InTime(const SpanRecord& span, TimeRange range) {
  return range.all() || (span.has_start() && range.Contains(span.start_ns));
}

using Links = std::map<std::pair<std::string, std::string>,
                       std::pair<std::uint64_t, std::uint64_t>>;

Links NaiveLinks(const std::map<TraceId, SpanBatch>& traces, TimeRange range) {
  Links links;
  for (const auto& [id, trace] : traces) {
    const auto graph = assembly::TraceGraph::Build(trace);
    for (assembly::NodeId node = 0; node < graph.span_count(); ++node) {
      if (!InTime(graph.span(node), range)) continue;
      for (const auto& edge : graph.parents(node)) {
        if (graph.missing(edge.parent)) continue;
        const std::string caller(graph.service(edge.parent));
        const std::string callee(graph.service(node));
        if (caller.empty() || callee.empty() || caller == callee) continue;
        auto& link = links[{caller, callee}];
        ++link.first;
        link.second += graph.span(node).status == StatusCode::kError ? 1 : 0;
      }
    }
  }
  return links;
}

void ExpectLinks(const Links& expected, const Result<std::vector<DependencyLink>>& found) {
  ASSERT_TRUE(found.has_value()) << found.error().message();
  Links links;
  for (const DependencyLink& link : *found)
    links[{link.parent, link.child}] = {link.calls, link.errors};
  EXPECT_EQ(expected, links);
  EXPECT_EQ(expected.size(), found->size());
}

// All of time, and some ranges around where the small world's spans are.
std::vector<TimeRange> Ranges(const SpanBatch& all) {
  std::vector<TimeRange> ranges{{}, {0, 10}, {5, 5}};
  for (std::size_t i = 0; i < all.size(); i += all.size() / 2 + 1) {
    const std::uint64_t at = all.spans[i].start_ns + 1;
    ranges.push_back({at - 1, at});
    ranges.push_back({0, at});
    ranges.push_back({at, TimeRange{}.end_ns});
    ranges.push_back({at - 600'000'000'000, at + 600'000'000'000});
  }
  return ranges;
}

TEST(Dependencies, EqualARecountOfWholeTraces) {
  std::size_t links_seen = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestWorld world;
    world.summaries = seed != 7;
    FillSmallWorld(seed, world);
    const auto traces = ByTrace(world.all());
    for (const TimeRange range : Ranges(world.all())) {
      SCOPED_TRACE(std::to_string(range.begin_ns) + " to " + std::to_string(range.end_ns));
      const Links expected = NaiveLinks(traces, range);
      links_seen += expected.size();
      ExpectLinks(expected, Dependencies(world.data(), range));
    }
    Links sums;
    for (const auto& [id, trace] : traces) {
      for (const auto& link : assembly::JaegerLinks(assembly::TraceGraph::Build(trace))) {
        sums[{link.parent, link.child}].first += link.calls;
        sums[{link.parent, link.child}].second += link.errors;
      }
    }
    ExpectLinks(sums, Dependencies(world.data(), {}));
    if (HasFailure()) return;
  }
  EXPECT_GT(links_seen, 300U);
}

using MetricKey = std::tuple<std::string, std::string, int, std::uint64_t>;
struct NaiveMetric {
  std::uint64_t errors = 0;
  std::uint64_t calls = 0;
  std::vector<std::uint64_t> latencies;
};

std::map<MetricKey, NaiveMetric> NaiveMetrics(const std::map<TraceId, SpanBatch>& traces,
                                              TimeRange range, std::uint64_t step_ns) {
  std::map<MetricKey, NaiveMetric> metrics;
  for (const auto& [id, trace] : traces) {
    for (const std::uint32_t row : assembly::FindDistinct(trace).rows) {
      const SpanRecord& span = trace.spans[row];
      if (!InTime(span, range)) continue;
      const std::uint64_t step = step_ns == 0 ? 0 : span.start_ns / step_ns * step_ns;
      NaiveMetric& metric =
          metrics[{std::string(ServiceOf(trace, span)), std::string(trace.text(span.name)),
                   static_cast<int>(span.kind), step}];
      ++metric.calls;
      metric.errors += span.status == StatusCode::kError ? 1 : 0;
      if (span.has_duration())
        metric.latencies.push_back(span.end_ns() < span.start_ns ? 0 : span.duration_ns);
    }
  }
  return metrics;
}

void ExpectQuantiles(NaiveMetric& expected, const LatencyHistogram& latency) {
  ASSERT_EQ(expected.latencies.size(), latency.count());
  std::sort(expected.latencies.begin(), expected.latencies.end());
  for (const double q : {0.0, 0.5, 0.9, 0.99, 1.0}) {
    const auto found = latency.Quantile(q);
    ASSERT_EQ(found.has_value(), !expected.latencies.empty());
    if (!found) continue;
    const double rank =
        std::max(1.0, std::ceil(q * static_cast<double>(expected.latencies.size())));
    const auto exact = static_cast<double>(expected.latencies[static_cast<std::size_t>(rank) - 1]);
    EXPECT_NEAR(static_cast<double>(*found), exact, exact * 0.016) << q;
  }
}

void ExpectMetrics(std::map<MetricKey, NaiveMetric>& expected,
                   const Result<std::vector<SpanMetric>>& found) {
  ASSERT_TRUE(found.has_value()) << found.error().message();
  ASSERT_EQ(expected.size(), found->size());
  auto at = expected.begin();
  for (const SpanMetric& metric : *found) {
    ASSERT_EQ(at->first, MetricKey(metric.service, metric.operation,
                                   static_cast<int>(metric.kind), metric.step_begin_ns));
    EXPECT_EQ(at->second.calls, metric.calls);
    EXPECT_EQ(at->second.errors, metric.errors);
    ExpectQuantiles(at->second, metric.latency);
    ++at;
  }
}

TEST(SpanMetrics, EqualARecountOfWholeTraces) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestWorld world;
    world.summaries = seed != 7;
    FillSmallWorld(seed, world);
    const auto traces = ByTrace(world.all());
    SpanMetricsQuery query;
    for (const TimeRange range : Ranges(world.all())) {
      query.range = range;
      query.step_ns = query.step_ns == 0 ? 60'000'000'000 : 0;
      auto expected = NaiveMetrics(traces, range, query.step_ns);
      ExpectMetrics(expected, SpanMetrics(world.data(), query));
      if (HasFailure()) return;
    }
  }
}

// A segment of several steps, most of whose traces lie nowhere else: answered from its summary,
// with the few that straddle taken out and the cut steps read.
TEST(Summaries, OfWholeStepsAndCutOnesEqualARecount) {
  predicate::testing::SmallWorldOptions options;
  options.absurd_times = false;
  options.most_traces = 8'000;
  options.spans = 50'000;
  TestWorld world;
  world.AddSegment(predicate::testing::SmallWorldBatch(101, options));
  options.spans = 300;
  world.AddSegment(predicate::testing::SmallWorldBatch(102, options));
  options.spans = 60;
  world.AddHead(predicate::testing::SmallWorldBatch(103, options));
  const auto links = world.data().segments[0]->links();
  ASSERT_TRUE(links.has_value() && *links != nullptr);
  const store::SummarySteps& steps = (*links)->steps;
  ASSERT_GE(steps.begins_ns.size(), 2U);

  const auto traces = ByTrace(world.all());
  const std::uint64_t second = steps.begins_ns[1];
  for (const TimeRange range : {TimeRange{}, TimeRange{0, second},
                                TimeRange{second - 300'000'000'000, second + steps.step_ns},
                                TimeRange{second + 1, second + 120'000'000'000}}) {
    SCOPED_TRACE(std::to_string(range.begin_ns) + " to " + std::to_string(range.end_ns));
    world.ForgetAll();
    ExpectLinks(NaiveLinks(traces, range), Dependencies(world.data(), range));
    for (const std::uint64_t step : {std::uint64_t{0}, steps.step_ns}) {
      auto expected = NaiveMetrics(traces, range, step);
      ExpectMetrics(expected, SpanMetrics(world.data(), {range, step, {}}));
    }
    const bool cuts = range.begin_ns != 0;  // and these traces last long
    for (const FactKind kind : {FactKind::kCalls, FactKind::kSpans}) {
      if (cuts) continue;
      EXPECT_EQ(nullptr, KeptFacts(world.data(), world.data().segments[0], kind))
          << "it was read whole";
    }
    if (HasFailure()) return;
  }
}

TEST(SpanMetrics, OfSomeServicesOnly) {
  TestWorld world;
  FillSmallWorld(6, world);
  const auto all = SpanMetrics(world.data(), {});
  const auto some = SpanMetrics(world.data(), {{}, 0, {"cart", "redis", "none"}});
  ASSERT_TRUE(all.has_value() && some.has_value());
  std::size_t expected = 0;
  for (const SpanMetric& metric : *all)
    expected += metric.service == "cart" || metric.service == "redis" ? 1 : 0;
  EXPECT_GT(expected, 0U);
  EXPECT_EQ(expected, some->size());
}

TEST(FactsOf, StayWithinTheirBytesAndForgetWhatIsGone) {
  TestWorld world;
  FillSmallWorld(7, world);
  store::SnapshotData data = world.data();
  ASSERT_EQ(3U, data.segments.size());
  const auto& segments = data.segments;
  data.memory = std::make_shared<store::QueryMemory>(std::uint64_t{1} << 26);
  const auto first = FactsOf(data, segments[0], FactKind::kSpans);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(*first, *FactsOf(data, segments[0], FactKind::kSpans)) << "made again";
  EXPECT_EQ((*first)->memory_bytes(), data.memory->by_segment().memory_bytes());

  // Room for the larger one only: the other goes when it comes.
  const auto large = FactsOf(data, segments[1], FactKind::kSpans);
  ASSERT_TRUE(large.has_value());
  data.memory = std::make_shared<store::QueryMemory>((*large)->memory_bytes() * 4);
  ASSERT_TRUE(FactsOf(data, segments[0], FactKind::kSpans).has_value());
  ASSERT_TRUE(FactsOf(data, segments[1], FactKind::kSpans).has_value());
  EXPECT_EQ((*large)->memory_bytes(), data.memory->by_segment().memory_bytes());
  EXPECT_EQ(nullptr, KeptFacts(data, segments[0], FactKind::kSpans));
  data.memory = std::make_shared<store::QueryMemory>(0);
  EXPECT_TRUE(FactsOf(data, segments[0], FactKind::kSpans).has_value());
  EXPECT_EQ(0U, data.memory->by_segment().memory_bytes());
  data.memory = nullptr;
  EXPECT_TRUE(FactsOf(data, segments[0], FactKind::kSpans).has_value());
}

TEST(LatencyHistogram, HasBucketsThatCoverEveryDuration) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value :
         {(1ULL << bit) - 1, 1ULL << bit, (1ULL << bit) + 1, (1ULL << bit) + (1ULL << bit) / 3}) {
      const auto [least, width] = LatencyHistogram::RangeOf(LatencyHistogram::BucketOf(value));
      EXPECT_LE(least, value);
      EXPECT_LE(value - least, width - 1);
      EXPECT_TRUE(width == 1 || width <= least / 32) << value;
    }
  }
  std::uint64_t next = 0;
  for (std::uint32_t bucket = 0; next != 0 || bucket == 0; ++bucket) {
    const auto [least, width] = LatencyHistogram::RangeOf(bucket);
    ASSERT_EQ(next, least);
    ASSERT_EQ(bucket, LatencyHistogram::BucketOf(least));
    next = least + width;
  }
}

TEST(LatencyHistogram, MergesToTheSameAsAddingAll) {
  LatencyHistogram a, b, all;
  std::uint64_t value = 1;
  for (int i = 0; i < 500; ++i) {
    value = value * 6364136223846793005ULL + 1442695040888963407ULL;
    const std::uint64_t duration = value >> (value % 60);
    (i % 3 == 0 ? a : b).Add(duration);
    all.Add(duration);
  }
  a.Merge(b);
  EXPECT_EQ(all, a);
  EXPECT_EQ(500U, a.count());
  EXPECT_EQ(std::nullopt, LatencyHistogram().Quantile(0.5));
}

}  // namespace
}  // namespace tracestore::query
