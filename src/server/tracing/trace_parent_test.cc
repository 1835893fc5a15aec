#include "server/tracing/trace_parent.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "server/tracing/span_ids.h"

namespace tracestore::server {
namespace {

const std::string kIds = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

// The cases are the specification's (W3C Trace Context, section 3.2 and appendix).
TEST(TraceParent, IsReadAsTheSpecificationSays) {
  const TraceParent expected{{0x0af7651916cd43dd, 0x8448eb211c80319c}, {0xb7ad6b7169203331}, true};
  EXPECT_EQ(ParseTraceParent("00-" + kIds + "-01"), expected);
  EXPECT_FALSE(ParseTraceParent("00-" + kIds + "-00")->sampled);
  EXPECT_FALSE(ParseTraceParent("00-" + kIds + "-02")->sampled) << "only the last bit is that";
  EXPECT_TRUE(ParseTraceParent("00-" + kIds + "-ff")->sampled);
  // Of a later version the same, and whatever stands behind it.
  EXPECT_EQ(ParseTraceParent("cc-" + kIds + "-01"), expected);
  EXPECT_EQ(ParseTraceParent("cc-" + kIds + "-01-what-the-future-holds"), expected);
}

TEST(TraceParent, WhatIsNotOneIsNone) {
  const std::string wrong[] = {
      "",
      "00",
      "00-" + kIds,
      "00-" + kIds + "-1",
      "00-" + kIds + "-01-more",
      "00-" + kIds + "-01-",
      "cc-" + kIds + "-01.more",
      "ff-" + kIds + "-01",
      "0-" + kIds + "-001",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
      "00_" + kIds + "-01",
      "0g-" + kIds + "-01",
      "00-" + kIds + "-0x",
  };
  for (const std::string& text : wrong) EXPECT_FALSE(ParseTraceParent(text).has_value()) << text;
}

TEST(TraceParent, IsWrittenAsItIsRead) {
  for (const bool sampled : {true, false}) {
    const TraceParent parent{RandomTraceId(), RandomSpanId(), sampled};
    EXPECT_EQ(ParseTraceParent(FormatTraceParent(parent)), parent);
  }
}

CallersTrace Read(std::map<std::string, std::string, std::less<>> headers) {
  return ReadCallersTrace([&headers](std::string_view name) -> std::string_view {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string_view() : at->second;
  });
}

TEST(CallersTrace, B3IsReadInBothForms) {
  const std::string trace = "80f198ee56343ba864fe8b2a57d3eff7", span = "e457b5a2e4d86bd1";
  const TraceParent parent{{0x80f198ee56343ba8, 0x64fe8b2a57d3eff7}, {0xe457b5a2e4d86bd1}, false};
  for (const auto& [decision, sampled] :
       std::map<std::string, std::optional<bool>>{{"-1", true},
                                                  {"-d-05e3ac9a4f6e3b90", true},
                                                  {"-0", false},
                                                  {"-1-05e3ac9a4f6e3b90", true},
                                                  {"", std::nullopt}}) {
    const CallersTrace read = Read({{"b3", trace + "-" + span + decision}});
    EXPECT_EQ(read.parent, parent) << decision;
    EXPECT_EQ(read.sampled, sampled) << decision;
    EXPECT_FALSE(read.w3c);
  }
  EXPECT_EQ(Read({{"b3", "0"}}).sampled, false);
  EXPECT_EQ(Read({{"b3", "1"}}).sampled, true);
  EXPECT_FALSE(Read({{"b3", "0"}}).parent.has_value());
  const CallersTrace many =
      Read({{"x-b3-traceid", trace}, {"x-b3-spanid", span}, {"x-b3-sampled", "1"}});
  EXPECT_EQ(many.parent, parent);
  EXPECT_EQ(many.sampled, true);
  EXPECT_EQ(Read({{"x-b3-sampled", "0"}}).sampled, false);
  EXPECT_EQ(Read({{"x-b3-flags", "1"}}).sampled, true);
  // A 64-bit trace.
  EXPECT_EQ(Read({{"b3", "64fe8b2a57d3eff7-" + span + "-1"}}).parent->trace_id.high, 0U);
}

TEST(CallersTrace, TheStrongerHeaderWinsAndGarbageIsNone) {
  const std::string w3c = "00-" + kIds + "-00";
  const CallersTrace both = Read({{"traceparent", w3c}, {"b3", "1"}});
  EXPECT_TRUE(both.w3c);
  EXPECT_EQ(both.sampled, false);
  EXPECT_EQ(Read({{"traceparent", "no"}, {"b3", "0"}, {"x-b3-sampled", "1"}}).sampled, false);
  for (const char* text : {"", "-", "--", "zz-11-1", "1-2-3", "0123456789abcdef-0-1", "maybe"}) {
    const CallersTrace read = Read({{"b3", text}});
    EXPECT_FALSE(read.parent || read.sampled) << text;
  }
  EXPECT_FALSE(Read({}).parent.has_value());
}

TEST(SpanIds, AShareIsOfTheIds) {
  const TraceId least{1, 0}, most{1, ~0ULL}, middle{1, 1ULL << 55};
  for (const TraceId id : {least, most, middle}) {
    EXPECT_TRUE(IsInShare(id, 1));
    EXPECT_FALSE(IsInShare(id, 0));
  }
  EXPECT_TRUE(IsInShare(middle, 0.5));
  EXPECT_FALSE(IsInShare({1, (1ULL << 55) - 1}, 0.5));
  EXPECT_TRUE(IsInShare(most, 0.001));
  int in = 0;
  for (int i = 0; i < 4'000; ++i) in += IsInShare(RandomTraceId(), 0.25) ? 1 : 0;
  EXPECT_GT(in, 700) << "1,000 are expected, with a deviation of 27";
  EXPECT_LT(in, 1'300);
}

}  // namespace
}  // namespace tracestore::server
