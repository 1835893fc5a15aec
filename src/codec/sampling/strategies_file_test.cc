#include "codec/sampling/strategies_file.h"

#include <gtest/gtest.h>

namespace tracestore::codec {
namespace {

std::string MessageOf(std::string_view text) {
  const auto file = ParseStrategiesFile(text);
  return file.has_value() ? "taken" : file.error().message();
}

TEST(StrategiesFile, ReadsServicesAndOperations) {
  const auto file = ParseStrategiesFile(R"({
    "default_strategy": {"type": "probabilistic", "param": 0.5,
      "operation_strategies": [{"operation": "/health", "type": "probabilistic", "param": 0}]},
    "service_strategies": [
      {"service": "foo", "type": "ratelimiting", "param": 3.5},
      {"service": "bar"}],
    "comment": [1, 2]})");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  ASSERT_TRUE(file->has_value());
  const StrategiesFile& read = **file;
  ASSERT_TRUE(read.default_strategy.has_value());
  EXPECT_EQ(read.default_strategy->strategy.type, "probabilistic");
  EXPECT_EQ(read.default_strategy->strategy.param, 0.5);
  ASSERT_EQ(read.default_strategy->operations.size(), 1U);
  EXPECT_EQ(read.default_strategy->operations[0].operation, "/health");
  ASSERT_EQ(read.services.size(), 2U);
  EXPECT_EQ(read.services[0].service, "foo");
  EXPECT_EQ(read.services[0].strategy.param, 3.5);
  EXPECT_EQ(read.services[1].strategy.type, "");
}

TEST(StrategiesFile, NamesCompareWithoutCaseAndNullIsAbsent) {
  const auto file = ParseStrategiesFile(
      R"({"Default_Strategy": {"TYPE": "x", "param": null}, "service_strategies": null})");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ((*file)->default_strategy->strategy.type, "x");
  const auto nothing = ParseStrategiesFile("null");
  ASSERT_TRUE(nothing.has_value());
  EXPECT_FALSE(nothing->has_value());
}

TEST(StrategiesFile, SaysWhatIsWrongAndWhere) {
  const std::string start = "failed to unmarshal strategies: ";
  EXPECT_EQ(MessageOf("{}"), "taken");
  EXPECT_EQ(MessageOf(R"("nonsense")"), start + "expected an object, found a string");
  EXPECT_EQ(MessageOf(R"({"default_strategy": 7})"),
            start + "default_strategy: expected an object, found a number");
  EXPECT_EQ(MessageOf(R"({"service_strategies": {}})"),
            start + "service_strategies: expected a list, found an object");
  EXPECT_EQ(MessageOf(R"({"service_strategies": [{}, null]})"),
            start + "service_strategies[1]: expected an object, found null");
  EXPECT_EQ(MessageOf(R"({"service_strategies": [{"service": 1}]})"),
            start + "service_strategies[0].service: expected a string, found a number");
  EXPECT_EQ(MessageOf(R"({"service_strategies": [{"param": "0.5"}]})"),
            start + "service_strategies[0].param: expected a number, found a string");
  EXPECT_EQ(MessageOf(R"({"default_strategy": {"operation_strategies": [{"operation": []}]}})"),
            start +
                "default_strategy.operation_strategies[0].operation: expected a string, found "
                "a list");
  EXPECT_EQ(MessageOf("{").rfind(start + "not JSON", 0), 0U);
  EXPECT_EQ(MessageOf(std::string(kMaxStrategiesFileBytes + 1, ' ')),
            start + "33554433 bytes, more than 33554432");
}

TEST(StrategiesFile, EveryTruncationIsRefused) {
  const std::string text =
      R"({"default_strategy":{"type":"probabilistic","param":0.5},"service_strategies":[]})";
  for (std::size_t cut = 0; cut < text.size(); ++cut)
    EXPECT_NE(MessageOf(std::string_view(text).substr(0, cut)), "taken");
}

}  // namespace
}  // namespace tracestore::codec
