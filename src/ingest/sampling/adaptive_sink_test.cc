#include "ingest/sampling/adaptive_sink.h"

#include <gtest/gtest.h>

#include "sampling/adaptive/adaptive_sampler.h"

namespace tracestore::ingest {
namespace {

class Sink final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& /*context*/) override {
    if (full) return Error(ErrorCode::kBusy, "full");
    spans += batch.size();
    return {};
  }
  bool full = false;
  std::size_t spans = 0;
};

model::SpanBatch BatchOf(std::size_t roots) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "shop");
  model::ResourceRecord resource;
  resource.attributes = {0, 1};
  batch.resources.push_back(resource);
  batch.scopes.emplace_back();
  for (std::size_t i = 0; i < roots; ++i) {
    model::SpanRecord span;
    span.trace_id = TraceId{1, i + 1};
    span.span_id = SpanId{i + 1};
    span.name = batch.strings.Intern("buy");
    batch.spans.push_back(span);
  }
  return batch;
}

TEST(AdaptiveSink, CountsTheRootsOfWhatWasKept) {
  const std::uint64_t second = 1'000'000'000;
  const auto store = sampling::MakeMemorySamplingStore();
  sampling::AdaptiveSampler::Options options;
  options.collector = "c";
  options.settings.calculation_delay = {};
  auto sampler = sampling::AdaptiveSampler::Open(options, *store, 1000 * second);
  ASSERT_TRUE(sampler.has_value());
  Sink next;
  const auto sink = MakeAdaptiveSink(**sampler, next);
  EXPECT_TRUE(sink->Accept(BatchOf(600), {}).has_value());
  next.full = true;
  EXPECT_EQ(sink->Accept(BatchOf(5), {}).error().code(), ErrorCode::kBusy);
  EXPECT_EQ(next.spans, 600U);

  (*sampler)->Tick(1000 * second);  // takes the lease
  (*sampler)->Tick(1060 * second);
  const auto states = *store->States();
  ASSERT_EQ(states.size(), 1U);
  EXPECT_EQ(states[0].operation, "buy");
  EXPECT_EQ(states[0].samples_per_second, 10);
  EXPECT_EQ((*sampler)->StrategyFor("shop")->operations->operations[0].probability, 0.0001);
}

TEST(AdaptiveSink, AsksWhoseSpansTheyAre) {
  Sink next;
  std::vector<std::string> asked;
  const auto sink = MakeAdaptiveSink(
      [&asked](std::string_view tenant) -> sampling::AdaptiveSampler* {
        asked.emplace_back(tenant);
        return nullptr;
      },
      next);
  SpanContext context;
  context.source.tenant = "shop";
  EXPECT_TRUE(sink->Accept(BatchOf(2), context).has_value());
  EXPECT_TRUE(sink->Accept(BatchOf(1), {}).has_value());
  EXPECT_EQ(next.spans, 3U);
  EXPECT_EQ(asked, (std::vector<std::string>{"shop", ""}));
}

}  // namespace
}  // namespace tracestore::ingest
