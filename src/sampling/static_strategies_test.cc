#include "sampling/static_strategies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tracestore::sampling {
namespace {

using codec::OperationStrategy;
using codec::SamplingStrategy;
using codec::StrategyType;
using testing::ElementsAre;
using testing::IsEmpty;

StaticStrategies Parse(std::string_view text) {
  const auto file = codec::ParseStrategiesFile(text);
  EXPECT_TRUE(file.has_value()) << file.error().message();
  return StaticStrategies::From(*file);
}

TEST(StaticStrategies, WithoutAFileEveryoneHasTheDefault) {
  const auto strategies = StaticStrategies::From(std::nullopt, 0.25);
  EXPECT_EQ(strategies.For("anyone").type, StrategyType::kProbabilistic);
  EXPECT_EQ(strategies.For("anyone").probability, 0.25);
  EXPECT_FALSE(strategies.For("").operations.has_value());
}

TEST(StaticStrategies, AServiceHasItsOwn) {
  const auto strategies = Parse(R"({
    "default_strategy": {"type": "probabilistic", "param": 0.5},
    "service_strategies": [
      {"service": "shop", "type": "probabilistic", "param": 0.9},
      {"service": "batch", "type": "ratelimiting", "param": 3.9},
      {"service": "shop", "type": "probabilistic", "param": 0.8}]})");
  EXPECT_EQ(strategies.For("shop").probability, 0.8);  // the last counts
  EXPECT_EQ(strategies.For("batch").type, StrategyType::kRateLimiting);
  EXPECT_EQ(strategies.For("batch").traces_per_second, 3);
  EXPECT_FALSE(strategies.For("batch").probability.has_value());
  EXPECT_EQ(strategies.For("else").probability, 0.5);
  EXPECT_THAT(strategies.warnings(), IsEmpty());
}

constexpr std::string_view kOperations = R"({
  "default_strategy": {"type": "probabilistic", "param": 0.5, "operation_strategies": [
    {"operation": "ping", "type": "probabilistic", "param": 0.2},
    {"operation": "health", "type": "probabilistic", "param": 0},
    {"operation": "spam", "type": "ratelimiting", "param": 1}]},
  "service_strategies": [
    {"service": "own", "type": "probabilistic", "param": 0.8, "operation_strategies": [
      {"operation": "health", "type": "probabilistic", "param": 0.4},
      {"operation": "buy", "type": "probabilistic", "param": 1},
      {"operation": "look", "type": "ratelimiting", "param": 10}]},
    {"service": "limited", "type": "ratelimiting", "param": 5, "operation_strategies": [
      {"operation": "buy", "type": "probabilistic", "param": 0.3}]},
    {"service": "plain", "type": "probabilistic", "param": 0.7},
    {"service": "limited-plain", "type": "ratelimiting", "param": 7}]})";

TEST(StaticStrategies, OperationsOfTheDefaultStrategyFollowAServicesOwn) {
  const auto strategies = Parse(kOperations);
  const auto& own = *strategies.For("own").operations;
  EXPECT_EQ(own.default_probability, 0.8);
  EXPECT_EQ(own.lower_bound, 0);
  EXPECT_THAT(own.operations,
              ElementsAre(OperationStrategy{"health", 0.4}, OperationStrategy{"buy", 1},
                          OperationStrategy{"ping", 0.2}));
  const auto& limited = strategies.For("limited");
  EXPECT_EQ(limited.traces_per_second, 5);
  EXPECT_EQ(limited.operations->default_probability, kDefaultProbability);
  EXPECT_THAT(limited.operations->operations,
              ElementsAre(OperationStrategy{"buy", 0.3}, OperationStrategy{"ping", 0.2},
                          OperationStrategy{"health", 0}));
  const auto& other = strategies.For("other");
  EXPECT_EQ(other.probability, 0.5);
  EXPECT_EQ(other.operations->default_probability, 0.5);
  EXPECT_THAT(other.operations->operations,
              ElementsAre(OperationStrategy{"ping", 0.2}, OperationStrategy{"health", 0}));
}

TEST(StaticStrategies, AServiceWithoutOperationsInheritsThemWithItsOwnProbability) {
  const auto strategies = Parse(kOperations);
  EXPECT_EQ(strategies.For("plain").operations->default_probability, 0.7);
  EXPECT_EQ(strategies.For("plain").operations->operations.size(), 2U);
  EXPECT_EQ(strategies.For("limited-plain").operations->default_probability, 0.5);
  EXPECT_EQ(strategies.For("limited-plain").traces_per_second, 7);
}

TEST(StaticStrategies, WarnsInJaegersWords) {
  EXPECT_THAT(
      Parse(kOperations).warnings(),
      ElementsAre("Operation strategies only supports probabilistic sampling at the moment,'spam' "
                  "defaulting to probabilistic sampling with probability 0.500000",
                  "Operation strategies only supports probabilistic sampling at the moment,'look' "
                  "defaulting to probabilistic sampling with probability 0.800000"));
  const auto strange = Parse(R"({"service_strategies": [
    {"service": "a", "operation_strategies": [
      {"operation": "op", "type": "probabilistic", "param": 0.2}]},
    {"service": "b", "type": "adaptive", "param": 3.5},
    {"service": "c", "type": "probabilistic", "param": 1.5}]})");
  EXPECT_THAT(
      strange.warnings(),
      ElementsAre("Failed to parse sampling strategy: service 'a', type '', param 0",
                  "Failed to parse sampling strategy: service 'b', type 'adaptive', param 3.5",
                  "sampling probability is not from 0 to 1: service 'c', type "
                  "'probabilistic', param 1.5"));
  EXPECT_EQ(strange.For("a").probability, kDefaultProbability);
  EXPECT_EQ(strange.For("a").operations->default_probability, kDefaultProbability);
  EXPECT_EQ(strange.For("c").probability, 1.5);  // as written: the client judges
}

TEST(StaticStrategies, BoundsWarningsAndRates) {
  std::string text =
      R"({"service_strategies":[{"service":"s","type":"ratelimiting","param":1e300})";
  for (int i = 0; i < 200; ++i) text += R"(,{"service":"x","type":"?"})";
  const auto strategies = Parse(text + "]}");
  EXPECT_EQ(strategies.warnings().size(), 100U);
  EXPECT_EQ(strategies.For("s").traces_per_second, 2'147'483'647);
}

}  // namespace
}  // namespace tracestore::sampling
