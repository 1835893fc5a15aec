#include "codec/json/json_error.h"

#include <gtest/gtest.h>

#include "codec/json/json_dom.h"

namespace tracestore::codec {
namespace {

std::string At(std::string_view text) {
  const auto error = FindJsonError(text);
  return error ? error->what + " at " + std::to_string(error->offset) : "";
}

TEST(FindJsonError, FindsNothingInRightJson) {
  for (const char* text : {"null", " [] ", "{}", "[1,-0.5e+3,\"a\\u00e9\\ud83d\\ude00\"]",
                           "{\"a\":{\"b\":[true,false,null]},\"c\":\"\xC3\xA9\"}", "0"}) {
    EXPECT_EQ(At(text), "") << text;
    JsonTree tree;
    EXPECT_TRUE(tree.Parse(text).has_value()) << text;
  }
}

TEST(FindJsonError, NamesTheFirstWrongByte) {
  EXPECT_EQ(At(""), "unexpected end at 0");
  EXPECT_EQ(At("{\"a\" 1}"), "unexpected '1' at 5");
  EXPECT_EQ(At("[1,]"), "unexpected ']' at 3");
  EXPECT_EQ(At("{\"a\":1,}"), "unexpected '}' at 7");
  EXPECT_EQ(At("[1] x"), "unexpected 'x' at 4");
  EXPECT_EQ(At("[1}"), "unexpected '}' at 2");
  EXPECT_EQ(At("\"ab"), "unexpected end at 3");
  EXPECT_EQ(At("\"a\nb\""), "unexpected '\\x0a' at 2");
  EXPECT_EQ(At("[01]"), "unexpected '1' at 2");
  EXPECT_EQ(At("[1.]"), "unexpected ']' at 3");
  EXPECT_EQ(At("[tru]"), "unexpected ']' at 4");
  EXPECT_EQ(At("\"\\x\""), "unexpected 'x' at 2");
  EXPECT_EQ(At("\"\\u12g4\""), "unexpected 'g' at 5");
  EXPECT_EQ(At("\"\\ud800\""), "half a surrogate pair at 1");
  EXPECT_EQ(At("\"\xC3\x28\""), "text that is not UTF-8 at 1");
  EXPECT_EQ(At(std::string(200000, '[')), "nested deeper than 1024 levels at 1024");
}

TEST(JsonTree, SaysWhereTheTextBreaks) {
  JsonTree tree;
  EXPECT_EQ(tree.Parse("{\"a\":}").error().message(), "not JSON: unexpected '}' at byte 5");
  EXPECT_EQ(tree.Parse("\xEF\xBB\xBF[").error().message(), "not JSON: unexpected end at byte 4");
  EXPECT_EQ(tree.Parse("[1e999]").error().message(), "JSON with a number out of range");
  EXPECT_TRUE(tree.Parse("\xEF\xBB\xBF[1]").has_value());
  EXPECT_FALSE(tree.Parse(std::string(100000, '[')).has_value());
  EXPECT_FALSE(tree.Parse("").has_value());
}

TEST(JsonTree, ReadsNumbersInEveryForm) {
  JsonTree tree;
  const auto list = tree.Parse(
      R"([1, 2.0, "3", 2.5, 1e300, 18446744073709551615, "NaN", "+Infinity", "x", true, "false"])");
  ASSERT_TRUE(list.has_value());
  const auto at = [&](std::size_t i) { return (*list).at(i).value_unsafe(); };
  EXPECT_EQ(IntegerOf(at(0)), 1);
  EXPECT_EQ(IntegerOf(at(1)), 2);
  EXPECT_EQ(IntegerOf(at(2)), 3);
  EXPECT_EQ(IntegerOf(at(3)), std::nullopt);
  EXPECT_EQ(TruncatedIntegerOf(at(3)), 2);
  EXPECT_EQ(IntegerOf(at(4)), std::nullopt);
  EXPECT_EQ(IntegerOf(at(5)), std::nullopt);
  EXPECT_TRUE(DoubleOf(at(5)).has_value());
  EXPECT_TRUE(DoubleOf(at(6)).has_value());
  EXPECT_TRUE(DoubleOf(at(7)).has_value());
  EXPECT_FALSE(DoubleOf(at(8)).has_value());
  EXPECT_EQ(BoolOf(at(9)), true);
  EXPECT_EQ(BoolOf(at(10)), false);
  EXPECT_EQ(BoolOf(at(0)), true);
  EXPECT_EQ(BoolOf(at(3)), std::nullopt);
}

TEST(JsonTree, TakesWholeNumbersBeyond64Bits) {
  JsonTree tree;
  const auto list = tree.Parse(R"(["1\"123456789012345678901234567890",-123456789012345670000,7])");
  ASSERT_TRUE(list.has_value()) << list.error().message();
  EXPECT_EQ(TextOf((*list).at(0).value_unsafe()), "1\"123456789012345678901234567890");
  EXPECT_EQ(DoubleOf((*list).at(1).value_unsafe()), -123456789012345670000.0);
  EXPECT_EQ(IntegerOf((*list).at(1).value_unsafe()), std::nullopt);
  EXPECT_EQ(IntegerOf((*list).at(2).value_unsafe()), 7);
}

TEST(QuoteForMessage, CutsAndEscapes) {
  EXPECT_EQ(QuoteForMessage("abc"), "'abc'");
  EXPECT_EQ(QuoteForMessage("a\n\xC3"), "'a\\x0a\\xc3'");
  EXPECT_EQ(QuoteForMessage(std::string(100, 'x')), "'" + std::string(64, 'x') + "…'");
}

}  // namespace
}  // namespace tracestore::codec
