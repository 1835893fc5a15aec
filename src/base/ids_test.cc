#include <tracestore/ids.h>

#include <gtest/gtest.h>

namespace tracestore {
namespace {

TEST(TraceId, PrintsBothFormsAndParsesThemBack) {
  const TraceId wide{0x0123456789abcdefULL, 0xfedcba9876543210ULL};
  EXPECT_EQ(wide.ToHex(), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(wide.ToShortHex(), wide.ToHex());
  EXPECT_EQ(TraceId::FromHex(wide.ToHex()), wide);
  const TraceId narrow{0, 0xA};
  EXPECT_EQ(narrow.ToShortHex(), "000000000000000a");
  EXPECT_EQ(TraceId::FromHex("A"), narrow);
  EXPECT_EQ(TraceId::FromHex("00A"), narrow);
}

TEST(TraceId, RefusesWhatIsNotHex) {
  for (const char* text : {"", "g", "0x1", " 1", "000000000000000000000000000000001"}) {
    EXPECT_FALSE(TraceId::FromHex(text).has_value()) << text;
  }
}

TEST(SpanId, RoundTripsAndRefusesMoreThanSixteenDigits) {
  EXPECT_EQ(SpanId::FromHex("EEE19B7EC3C1B174")->ToHex(), "eee19b7ec3c1b174");
  EXPECT_FALSE(SpanId::FromHex("00000000000000001").has_value());
}

}  // namespace
}  // namespace tracestore
