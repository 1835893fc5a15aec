#include "codec/sampling/strategy_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace tracestore::codec {
namespace {

SamplingStrategy Probabilistic(double probability) {
  SamplingStrategy out;
  out.probability = probability;
  return out;
}

SamplingStrategy RateLimiting(std::int32_t rate) {
  SamplingStrategy out;
  out.type = StrategyType::kRateLimiting;
  out.traces_per_second = rate;
  return out;
}

std::string Names(const SamplingStrategy& strategy) {
  const auto text = EncodeStrategyJson(strategy, StrategyJson::kNames);
  return text.has_value() ? *text : "error: " + text.error().message();
}

std::string Numbers(const SamplingStrategy& strategy) {
  const auto text = EncodeStrategyJson(strategy, StrategyJson::kNumbers);
  return text.has_value() ? *text : "error: " + text.error().message();
}

TEST(StrategyJson, WritesTheShapesThatClientsKnow) {
  EXPECT_EQ(Names(Probabilistic(0.001)),
            R"({"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001}})");
  EXPECT_EQ(Numbers(Probabilistic(1)),
            R"({"strategyType":0,"probabilisticSampling":{"samplingRate":1}})");
  EXPECT_EQ(Names(RateLimiting(42)),
            R"({"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":42}})");
  EXPECT_EQ(Numbers(RateLimiting(42)),
            R"({"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":42}})");
}

TEST(StrategyJson, WritesEveryFieldOfOperations) {
  SamplingStrategy strategy;
  strategy.operations = OperationStrategies{0.001, 0.5, 0, {{"GET /", 1e-5}, {"a\"b", 1e-7}}};
  const std::string tail =
      R"("operationSampling":{"defaultSamplingProbability":0.001,)"
      R"("defaultLowerBoundTracesPerSecond":0.5,"perOperationStrategies":[)"
      R"({"operation":"GET /","probabilisticSampling":{"samplingRate":0.00001}},)"
      R"({"operation":"a\"b","probabilisticSampling":{"samplingRate":1e-7}}],)"
      R"("defaultUpperBoundTracesPerSecond":0}})";
  EXPECT_EQ(Names(strategy), R"({"strategyType":"PROBABILISTIC",)" + tail);
  EXPECT_EQ(Numbers(strategy), R"({"strategyType":0,)" + tail);
}

TEST(StrategyJson, RefusesWhatTheFormCannotSay) {
  EXPECT_EQ(Names(Probabilistic(std::nan(""))), "error: cannot marshall to JSON");
  EXPECT_EQ(Numbers(RateLimiting(32'768)), "error: cannot marshall to JSON");
  EXPECT_EQ(Numbers(RateLimiting(32'767)),
            R"({"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":32767}})");
}

SamplingStrategy ArbitraryStrategy(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto number = [&random] {
    return std::ldexp(static_cast<double>(random() >> 11), -static_cast<int>(random() % 80));
  };
  SamplingStrategy out;
  out.type = random() % 2 == 0 ? StrategyType::kProbabilistic : StrategyType::kRateLimiting;
  if (random() % 2 == 0) out.probability = number();
  if (random() % 2 == 0) out.traces_per_second = static_cast<std::int32_t>(random() % 32'768);
  if (random() % 2 == 0) {
    out.operations = OperationStrategies{number(), number(), number(), {}};
    for (auto count = random() % 4; count > 0; --count)
      out.operations->operations.push_back({"op\n\xC3\xA9" + std::to_string(random()), number()});
  }
  return out;
}

TEST(StrategyJson, ReadsBackWhatItWroteInBothForms) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SamplingStrategy strategy = ArbitraryStrategy(seed);
    for (const auto form : {StrategyJson::kNames, StrategyJson::kNumbers}) {
      const auto text = EncodeStrategyJson(strategy, form);
      ASSERT_TRUE(text.has_value()) << text.error().message();
      const auto again = DecodeStrategyJson(*text);
      ASSERT_TRUE(again.has_value()) << again.error().message() << " in " << *text;
      EXPECT_EQ(*again, strategy) << *text;
      for (std::size_t cut = 0; cut < text->size(); ++cut)
        ASSERT_FALSE(DecodeStrategyJson(std::string_view(*text).substr(0, cut)).has_value());
    }
  }
}

TEST(StrategyJson, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto result = DecodeStrategyJson(text);
    return result.has_value() ? std::string("taken") : result.error().message();
  };
  EXPECT_EQ(message("{}"), "taken");
  EXPECT_EQ(message(R"({"strategyType":null,"probabilisticSampling":null})"), "taken");
  EXPECT_EQ(message("[]"), "sampling strategy: expected an object, found a list");
  EXPECT_EQ(message(R"({"strategyType":"ADAPTIVE"})"), "strategyType: unknown value ADAPTIVE");
  EXPECT_EQ(message(R"({"strategyType":2})"), "strategyType: unknown value 2");
  EXPECT_EQ(message(R"({"probabilisticSampling":{"samplingRate":true}})"),
            "samplingRate: expected a number, found a boolean");
  EXPECT_EQ(message(R"({"rateLimitingSampling":{"maxTracesPerSecond":1e12}})"),
            "maxTracesPerSecond: not a number of 32 bits");
  EXPECT_EQ(message(R"({"operationSampling":{"perOperationStrategies":{}}})"),
            "perOperationStrategies: expected a list, found an object");
}

TEST(BaggageJson, RoundTripsAndRefuses) {
  EXPECT_EQ(EncodeBaggageJson({}), "[]");
  const std::vector<BaggageRestriction> two = {{"user", 64}, {"k\"", 2147483647}};
  const std::string text = EncodeBaggageJson(two);
  EXPECT_EQ(
      text,
      R"([{"baggageKey":"user","maxValueLength":64},)"
      R"({"baggageKey":"k\"","maxValueLength":2147483647}])");
  const auto again = DecodeBaggageJson(text);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, two);

  const auto message = [](std::string_view bad) {
    const auto result = DecodeBaggageJson(bad);
    return result.has_value() ? std::string("taken") : result.error().message();
  };
  EXPECT_EQ(message("{}"), "baggage restrictions: expected a list, found an object");
  EXPECT_EQ(message("[1]"), "baggage restriction 1: expected an object, found a number");
  EXPECT_EQ(message(R"([{"maxValueLength":3}])"),
            "baggage restriction 1: 'baggageKey' is missing or not a string");
  EXPECT_EQ(
      message(R"([{"baggageKey":"a","maxValueLength":1},{"baggageKey":"b","maxValueLength":-1}])"),
      "baggage restriction 2: 'maxValueLength' is not a number from 0 to 2147483647");
}

}  // namespace
}  // namespace tracestore::codec
