#include "server/jaeger/filter_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tracestore::server {
namespace {

double Double(std::string_view text) {
  const auto read = ReadConstant(FilterType::kDouble, text);
  EXPECT_TRUE(read.has_value()) << text;
  return read.has_value() ? read->number : 0;
}
std::string ErrorOf(FilterType type, std::string_view text) {
  const auto read = ReadConstant(type, text);
  return read.has_value() ? "" : read.error().message();
}

TEST(FilterValues, ReadsFloatsAsGoDoes) {
  EXPECT_EQ(Double("1.5"), 1.5);
  EXPECT_EQ(Double("+1.5e3"), 1500);
  EXPECT_EQ(Double("-.5"), -0.5);
  EXPECT_EQ(Double("5."), 5);
  EXPECT_EQ(Double("0x1p-2"), 0.25);
  EXPECT_EQ(Double("-0X1.8P1"), -3);
  EXPECT_EQ(Double("iNf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Double("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(Double("NaN")));
  EXPECT_EQ(Double("1e-400"), 0);
  for (const char* bad : {"", "+", "x", "1.5x", "0x1", "0x", "--1", "+-1", "-nan", " 1", "1e", ".",
                          "e5", "0x-1p2", "infin"}) {
    EXPECT_EQ(ErrorOf(FilterType::kDouble, bad),
              std::string("strconv.ParseFloat: parsing \"") + bad + "\": invalid syntax")
        << bad;
  }
  EXPECT_EQ(ErrorOf(FilterType::kDouble, "-1e400"),
            R"(strconv.ParseFloat: parsing "-1e400": value out of range)");
}

TEST(FilterValues, ReadsTheOthers) {
  EXPECT_EQ(ReadConstant(FilterType::kInt, "-9223372036854775808")->integer,
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(ErrorOf(FilterType::kInt, "9223372036854775808"),
            R"(strconv.ParseInt: parsing "9223372036854775808": value out of range)");
  EXPECT_TRUE(ReadConstant(FilterType::kBool, "T")->flag);
  EXPECT_EQ(ErrorOf(FilterType::kBool, "yes"),
            R"(strconv.ParseBool: parsing "yes": invalid syntax)");
  EXPECT_EQ(ReadConstant(FilterType::kDuration, "-1h30m")->integer, -5'400'000'000'000);
  EXPECT_EQ(ErrorOf(FilterType::kDuration, "5"), R"(time: missing unit in duration "5")");
  EXPECT_EQ(ReadConstant(FilterType::kAny, "x")->text, "x");
}

TEST(FilterValues, ReadsTimesAndSaysWhatIsWrong) {
  const auto time = [](std::string_view text) {
    const auto read = ReadConstant(FilterType::kTimestamp, text);
    EXPECT_TRUE(read.has_value()) << text;
    return read.value_or(FilterConstant{});
  };
  EXPECT_EQ(time("2026-11-22T19:33:50.375022592Z").time_ns, 1795376030375022592u);
  EXPECT_EQ(time("2026-11-22T20:33:50.3750225929+01:00").time_ns, 1795376030375022592u);
  EXPECT_EQ(time("1969-12-31T23:59:59Z").beyond, -1);
  EXPECT_EQ(time("2600-01-01T00:00:00Z").beyond, 1);
  const auto cannot = [](const std::string& text, const std::string& rest, const std::string& as) {
    EXPECT_EQ(ErrorOf(FilterType::kTimestamp, text),
              "parsing time \"" + text +
                  "\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot "
                  "parse \"" +
                  rest + "\" as \"" + as + "\"");
  };
  cannot("", "", "2006");
  cannot("26-11-22", "26-11-22", "2006");
  cannot("2026/11/22", "/11/22", "-");
  cannot("2026-1-22", "1-22", "01");
  cannot("2026-11-22 19:33:50Z", " 19:33:50Z", "T");
  cannot("2026-11-22T", "", "15");
  cannot("2026-11-22T19:33", "", ":");
  cannot("2026-11-22T19:33:50", "", "Z07:00");
  cannot("2026-11-22T19:33:50.Z", ".Z", "Z07:00");
  cannot("2026-11-22T19:33:50+0100", "+0100", "Z07:00");
  EXPECT_EQ(ErrorOf(FilterType::kTimestamp, "2026-11-22T19:33:50Zx"),
            R"(parsing time "2026-11-22T19:33:50Zx": extra text: "x")");
  EXPECT_EQ(ErrorOf(FilterType::kTimestamp, "2026-02-29T19:33:50Z"),
            R"(parsing time "2026-02-29T19:33:50Z": day out of range)");
  EXPECT_EQ(ErrorOf(FilterType::kTimestamp, "2026-02-28T24:33:50Z"),
            R"(parsing time "2026-02-28T24:33:50Z": hour out of range)");
}

}  // namespace
}  // namespace tracestore::server
