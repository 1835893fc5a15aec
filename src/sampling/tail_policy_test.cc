#include "sampling/tail_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "predicate/trace_evaluator.h"

namespace tracestore::sampling {
namespace {

using testing::HasSubstr;

TailPolicyConfig Of(std::string type) {
  TailPolicyConfig config;
  config.type = std::move(type);
  return config;
}

std::string ErrorOf(const TailPolicyConfig& config) {
  const auto compiled = TailPolicies::Compile({config});
  return compiled.has_value() ? "" : compiled.error().message();
}

TEST(TailPolicies, SayWhatIsWrong) {
  EXPECT_EQ(ErrorOf({}),
            "policies[0]: a type is missing (error, latency, filter, rate, probability, always)");
  EXPECT_EQ(ErrorOf(Of("luck")),
            "policies[0]: unknown type 'luck' (error, latency, filter, rate, probability, always)");
  EXPECT_EQ(ErrorOf(Of("rate")), "policies[0]: rate needs a rate");
  EXPECT_EQ(ErrorOf(Of("filter")), "policies[0]: filter needs a where");
  TailPolicyConfig config = Of("error");
  config.rate = "5";
  EXPECT_EQ(ErrorOf(config), "policies[0]: error has no rate");
  config = Of("probability");
  config.probability = "1.5";
  EXPECT_EQ(ErrorOf(config), "policies[0]: '1.5' is no probability (0 to 1)");
  config = Of("latency");
  config.threshold = "soon";
  EXPECT_THAT(ErrorOf(config), HasSubstr("policies[0]: threshold: "));
  config = Of("filter");
  config.where = "status =";
  EXPECT_THAT(ErrorOf(config), HasSubstr("policies[0]: where: column 9: "));
  config = Of("always");
  config.name = "a";
  EXPECT_EQ(TailPolicies::Compile({config, config}).error().message(),
            "policies[1]: the name 'a' is taken");
  EXPECT_EQ(SetTailPolicyField(config, "wher", "x").error().message(),
            "unknown field 'wher' (name, probability, rate, threshold, type, where)");
}

model::SpanBatch Trace(std::uint64_t duration_ns, StatusCode status) {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  model::SpanRecord span;
  span.trace_id = {1, 2};
  span.span_id = {3};
  span.start_ns = 1000;
  span.duration_ns = duration_ns;
  span.presence = model::kHasStart | model::kHasDuration;
  span.status = status;
  batch.spans.push_back(span);
  return batch;
}

bool Matches(const TailPolicies::Policy& policy, const model::SpanBatch& batch) {
  predicate::TraceEvaluator evaluator(*policy.query);
  predicate::BatchBinding binding(*policy.query, batch);
  for (std::uint32_t row = 0; row < batch.size(); ++row) evaluator.Add(binding, row);
  return evaluator.Matches();
}

TEST(TailPolicies, AskTheWholeTrace) {
  TailPolicyConfig latency = Of("latency");
  latency.threshold = "1ms";
  TailPolicyConfig both = Of("error");
  both.name = "slow errors";
  both.where = "trace.duration >= 1ms";
  const auto compiled = TailPolicies::Compile({Of("error"), latency, both}).value();
  const auto& [error, slow, slow_error] =
      std::tie(compiled.policies()[0], compiled.policies()[1], compiled.policies()[2]);
  EXPECT_EQ(error.name, "error-1");
  EXPECT_TRUE(Matches(error, Trace(5, StatusCode::kError)));
  EXPECT_FALSE(Matches(error, Trace(5, StatusCode::kOk)));
  EXPECT_TRUE(Matches(slow, Trace(1'000'000, StatusCode::kUnset)));
  EXPECT_FALSE(Matches(slow, Trace(999'999, StatusCode::kUnset)));
  EXPECT_TRUE(Matches(slow_error, Trace(2'000'000, StatusCode::kError)));
  EXPECT_FALSE(Matches(slow_error, Trace(5, StatusCode::kError)));
}

TEST(TailDecider, TakesTheFirstPolicyThatKeeps) {
  TailPolicyConfig never = Of("probability");
  never.probability = "0";
  const auto policies = TailPolicies::Compile({never, Of("error"), Of("always")}).value();
  TailDecider decider(policies);
  EXPECT_EQ(decider.Decide({1, 1}, {true, false, true}, 0), 2u);
  EXPECT_EQ(decider.Decide({1, 2}, {true, true, true}, 0), 1u);
  EXPECT_EQ(decider.Decide({1, 3}, {true, false, false}, 0), std::nullopt);
}

TEST(TailDecider, KeepsTracesASecond) {
  TailPolicyConfig config = Of("rate");
  config.rate = "2";
  const auto policies = TailPolicies::Compile({config}).value();
  TailDecider decider(policies);
  int kept = 0;
  // 100 traces a second for 10 seconds: 2 at once, then 2 a second.
  for (std::uint64_t i = 0; i < 1000; ++i)
    kept += decider.Decide({0, i}, {true}, i * 10'000'000).has_value() ? 1 : 0;
  EXPECT_EQ(kept, 21);
}

TEST(TailDecider, KeepsTheShare) {
  TailPolicyConfig config = Of("probability");
  config.probability = "0.2";
  const auto policies = TailPolicies::Compile({config}).value();
  TailDecider decider(policies);
  int kept = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i)
    kept += decider.Decide({0, i}, {true}, 0).has_value() ? 1 : 0;
  EXPECT_NEAR(kept, 2000, 160);  // the hash is fixed
}

}  // namespace
}  // namespace tracestore::sampling
