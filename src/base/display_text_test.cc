#include "base/display_text.h"

#include <gtest/gtest.h>

namespace tracestore::base {
namespace {

TEST(DisplayText, DurationsHaveThreeDigitsThatMatter) {
  EXPECT_EQ(DurationText(0), "0");
  EXPECT_EQ(DurationText(999), "999ns");
  EXPECT_EQ(DurationText(12'340), "12.3µs");
  EXPECT_EQ(DurationText(45'000'000), "45ms");
  EXPECT_EQ(DurationText(999'600'000), "1s");
  EXPECT_EQ(DurationText(1'250'000'000), "1.25s");
  EXPECT_EQ(DurationText(125'000'000'000), "2m05s");
  EXPECT_EQ(DurationText(11'400'000'000'000), "3h10m");
  EXPECT_EQ(DurationText(~0ULL), "213504d");
}

TEST(DisplayText, TimesAndCounts) {
  EXPECT_EQ(TimeText(1'700'000'000'500'000'000), "2023-11-14T22:13:20.5Z");
  EXPECT_EQ(TimeText(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(ShortTimeText(1'700'000'000'500'000'000), "2023-11-14 22:13:20.500");
  EXPECT_EQ(CountText(1'234'567), "1,234,567");
  EXPECT_EQ(BytesText(1'258'291), "1.2 MiB");
  EXPECT_EQ(Plural(1, "span"), "1 span");
  EXPECT_EQ(Plural(2'000, "span"), "2,000 spans");
}

TEST(DisplayText, WhatSteersTerminalsIsReplaced) {
  EXPECT_EQ(CleanText("a\x1b[31mb\tc\nd\xFF"), "a\xEF\xBF\xBD[31mb c d\xEF\xBF\xBD");
  EXPECT_EQ(CleanText("\xE2\x80\xAEx"), "\xEF\xBF\xBDx");  // from right to left
  EXPECT_EQ(CleanText("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // overlong
  std::string out;
  Paint(Style::kRed, "x", false, out);
  EXPECT_EQ(out, "x");
  Paint(Style::kRed, "x", true, out);
  EXPECT_EQ(out, "x\x1b[31mx\x1b[0m");
}

TEST(DisplayText, WidthsAreThoseOfColumns) {
  EXPECT_EQ(DisplayWidth("ü漢"), 3U);
  EXPECT_EQ(Shorten("漢漢漢", 5), "漢漢…");
  EXPECT_EQ(Shorten("abc", 3), "abc");
  EXPECT_EQ(Shorten("abcd", 3), "ab…");
  EXPECT_EQ(Shorten("abcd", 0), "");
}

}  // namespace
}  // namespace tracestore::base
