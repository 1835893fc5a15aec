#include "sampling/adaptive/root_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampling/adaptive/throughput_counter.h"

namespace tracestore::sampling {
namespace {

class Batch {
 public:
  // The span's attributes are those added since the last span.
  model::SpanRecord& Span(std::string_view service, std::string_view name) {
    const auto own = static_cast<std::uint32_t>(batch.attributes.size());
    model::ResourceRecord resource;
    resource.attributes = {own, service.empty() ? 0U : 1U};
    if (!service.empty()) batch.AddString(batch.strings.Intern("service.name"), service);
    batch.resources.push_back(resource);
    if (batch.scopes.empty()) batch.scopes.emplace_back();
    model::SpanRecord span;
    span.trace_id = TraceId{1, batch.spans.size() + 1};
    span.span_id = SpanId{batch.spans.size() + 1};
    span.name = batch.strings.Intern(name);
    span.attributes = {first_attribute_, own - first_attribute_};
    span.resource = static_cast<std::uint32_t>(batch.resources.size() - 1);
    first_attribute_ = static_cast<std::uint32_t>(batch.attributes.size());
    batch.spans.push_back(span);
    return batch.spans.back();
  }
  Batch& Text(std::string_view key, std::string_view value) {
    batch.AddString(batch.strings.Intern(key), value);
    return *this;
  }
  Batch& Number(std::string_view key, double value) {
    batch.AddDouble(batch.strings.Intern(key), value);
    return *this;
  }

  model::SpanBatch batch;

 private:
  std::uint32_t first_attribute_ = 0;
};

TEST(RootSpans, ReadsWhatJaegersClientsSay) {
  Batch batch;
  batch.Text("sampler.type", "probabilistic").Number("sampler.param", 0.25).Span("s", "a");
  batch.Text("sampler.type", "lowerbound").Text("sampler.param", "0.5").Span("s", "b");
  batch.Text("sampler.type", "const").Number("sampler.param", 1).Span("s", "c");
  batch.Text("sampler.type", "probabilistic").Span("s", "no param");
  batch.Text("sampler.type", "probabilistic").Number("sampler.param", 7).Span("s", "no share");
  batch.Text("jaeger.sampler.type", "probabilistic")
      .Number("jaeger.sampler.param", 1)
      .Span("o", "d");
  const auto roots = RootSpansOf(batch.batch);
  ASSERT_EQ(roots.size(), 3U);
  EXPECT_EQ(roots[0].sampler, SamplerKind::kProbabilistic);
  EXPECT_EQ(roots[0].probability, 0.25);
  EXPECT_EQ(roots[1].sampler, SamplerKind::kLowerBound);
  EXPECT_EQ(roots[1].probability, 0.5);
  EXPECT_EQ(roots[2].service, "o");
  EXPECT_EQ(roots[2].operation, "d");
}

TEST(RootSpans, CountsSilentSpansButNoChildrenAndNoDebugSpans) {
  Batch batch;
  batch.Span("s", "silent");
  batch.Span("s", "child").parent_id = SpanId{9};
  batch.Span("", "nobody");
  batch.Span("s", "");
  batch.Span("s", "debug").flags = model::kFlagSampled | model::kFlagDebug;
  model::SpanRecord& far = batch.Span("s", "child of another trace");
  model::ReferenceRecord reference;
  reference.type = ReferenceType::kChildOf;
  far.references = {0, 1};
  batch.batch.references.push_back(reference);
  model::SpanRecord& threshold = batch.Span("s", "threshold");
  threshold.trace_state = batch.batch.strings.Intern("x=1, ot=rv:1;th:c");
  const auto roots = RootSpansOf(batch.batch);
  ASSERT_EQ(roots.size(), 3U);
  EXPECT_EQ(roots[0].operation, "silent");
  EXPECT_EQ(roots[0].sampler, SamplerKind::kSilent);
  EXPECT_EQ(roots[1].operation, "child of another trace");
  EXPECT_EQ(roots[2].operation, "threshold");
  EXPECT_EQ(roots[2].probability, 0.25);
}

// As Jaeger's ParentSpanID(): either kind of reference, into the span's own trace.
TEST(RootSpans, ReferencesIntoTheSameTraceAreParents) {
  using Type = ReferenceType;
  const auto roots = [](Type type, std::uint64_t trace) {
    model::SpanBatch batch;
    batch.AddString(batch.strings.Intern("service.name"), "shop");
    model::ResourceRecord resource;
    resource.attributes = {0, 1};
    batch.resources.push_back(resource);
    batch.scopes.emplace_back();
    model::ReferenceRecord reference;
    reference.trace_id = TraceId{0, trace};
    reference.span_id = SpanId{5};
    reference.type = type;
    batch.references.push_back(reference);
    model::SpanRecord span;
    span.trace_id = TraceId{0, 1};
    span.span_id = SpanId{9};
    span.name = batch.strings.Intern("buy");
    span.references = {0, 1};
    batch.spans.push_back(span);
    return RootSpansOf(batch).size();
  };
  EXPECT_EQ(roots(Type::kChildOf, 1), 0U);
  EXPECT_EQ(roots(Type::kFollowsFrom, 1), 0U);
  EXPECT_EQ(roots(Type::kLink, 1), 1U);
  EXPECT_EQ(roots(Type::kChildOf, 2), 1U);
  EXPECT_EQ(roots(Type::kFollowsFrom, 2), 1U);
}

TEST(RootSpans, ReadsThresholds) {
  EXPECT_EQ(ThresholdProbability("ot=th:0"), 1.0);
  EXPECT_EQ(ThresholdProbability("ot=th:8"), 0.5);
  EXPECT_EQ(ThresholdProbability("a=b,\tot=th:ffffffffffffff;rv:0"),
            1.0 / (std::uint64_t{1} << 56));
  EXPECT_EQ(ThresholdProbability("ot=rv:8"), std::nullopt);
  EXPECT_EQ(ThresholdProbability("ot=th:xyz"), std::nullopt);
  EXPECT_EQ(ThresholdProbability("ot=th:"), std::nullopt);
  EXPECT_EQ(ThresholdProbability("ot=th:123456789012345"), std::nullopt);
  EXPECT_EQ(ThresholdProbability(""), std::nullopt);
}

TEST(ThroughputCounter, LeavesOutLongNames) {
  ThroughputCounter counter(2, 10);
  const std::string name(ThroughputCounter::kMostNameBytes, 'n');
  counter.Record({RootSpan{"s", name, SamplerKind::kSilent, 0}});
  EXPECT_EQ(counter.left_out(), 1U);
  EXPECT_TRUE(counter.Take(20).operations.empty());
}

TEST(ThroughputCounter, CountsByOperationWithinItsBound) {
  ThroughputCounter counter(2, 10);
  const auto root = [](const char* operation, SamplerKind kind, double probability) {
    return RootSpan{"s", operation, kind, probability};
  };
  counter.Record({root("a", SamplerKind::kProbabilistic, 0.25),
                  root("a", SamplerKind::kProbabilistic, 0.2500001),
                  root("a", SamplerKind::kSilent, 0), root("b", SamplerKind::kLowerBound, 0.5),
                  root("c", SamplerKind::kSilent, 0)});
  for (int i = 0; i < 50; ++i) counter.Record({root("b", SamplerKind::kProbabilistic, 0.01 * i)});
  const ThroughputReport report = counter.Take(20);
  EXPECT_EQ(report.begin_ns, 10U);
  EXPECT_EQ(report.end_ns, 20U);
  ASSERT_EQ(report.operations.size(), 2U);
  EXPECT_EQ(report.operations[0], (Throughput{"s", "a", 3, {250'000}, true}));
  EXPECT_EQ(report.operations[1].sampled, 50U);
  EXPECT_EQ(report.operations[1].millionths.size(), kMaxReportedProbabilities);
  EXPECT_EQ(counter.left_out(), 1U);
  EXPECT_TRUE(counter.Take(30).operations.empty());
}

}  // namespace
}  // namespace tracestore::sampling
