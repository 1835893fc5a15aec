#include "codec/json/json_mend.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/json/json_dom.h"
#include "codec/json/json_error.h"

namespace tracestore::codec {
namespace {

constexpr std::size_t kMost = 1 << 20;
constexpr JsonMending kAll{.texts = true, .numbers = true, .rest = true};

std::string Mended(std::string_view text, const JsonMending& mending = kAll) {
  const MendedJson mended = MendJson(text, mending, kMost);
  return mended.changed ? mended.text : "unchanged";
}

TEST(MendJson, ReplacesWhatIsNoText) {
  EXPECT_EQ(Mended(R"(["\ud800","\udc00a","\ud800\ud800\udc00","\ud83d\ude00","\\ud800"])"),
            "[\"\xEF\xBF\xBD\",\"\xEF\xBF\xBD"
            "a\",\"\xEF\xBF\xBD\\ud800\\udc00\",\"\\ud83d\\ude00\",\"\\\\ud800\"]");
  EXPECT_EQ(Mended("{\"\xFFk\":\"\xC3\xA9\xC3\"}"), "{\"\xEF\xBF\xBDk\":\"\xC3\xA9\xEF\xBF\xBD\"}");
  EXPECT_EQ(MendJson("[\"\xFF\xFE\",\"\\uD800\",\"a\n\",\"b\"]", kAll, kMost).texts, 2U);
}

TEST(MendJson, EscapesRawControlBytes) {
  EXPECT_EQ(Mended(std::string_view("[\n\"a\n\0\x1f\"]", 9)), "[\n\"a\\n\\u0000\\u001f\"]");
}

TEST(MendJson, LeavesTextsAloneUnlessTold) {
  EXPECT_EQ(Mended("[\"\\ud800\xFF\n\"]x", {}), "unchanged");
  EXPECT_EQ(Mended("[\"\\ud800\xFF\n\",18446744073709551616,1e400]", {}),
            "[\"\\ud800\xFF\n\",18446744073709551616.0,1e400]");
}

TEST(MendJson, MakesTextsOfNumbersThatNoTypeHolds) {
  EXPECT_EQ(Mended("[1e400,-1E+400,18446744073709551616,-9223372036854775809,1.5,7,-0]"),
            "[\"1e400\",\"-1E+400\",\"18446744073709551616\",\"-9223372036854775809\",1.5,7,-0]");
  // What is no number stays none.
  EXPECT_EQ(Mended("[1e400e1,01e400,1.e400,-,--1]"), "unchanged");
}

TEST(MendJson, CutsWhatStandsBehindTheFirstValue) {
  EXPECT_EQ(Mended("[{\"a\":\"]\"}]]"), "[{\"a\":\"]\"}]");
  EXPECT_EQ(Mended(" {} \xFF"), " {}");
  EXPECT_EQ(Mended("[1"), "unchanged");
  EXPECT_EQ(Mended("]]"), "unchanged");
}

TEST(MendJson, StopsWhereTheTextGetsTooLong) {
  const std::string text = "[\"" + std::string(100, '\x01') + "\"]";
  EXPECT_EQ(MendJson(text, kAll, 604).text.size(), 604U);
  EXPECT_FALSE(MendJson(text, kAll, 603).changed);
}

// Random cuts and joins of what is special.
TEST(MendJson, LeavesOnlyTheGrammarToBeWrong) {
  const std::string parts[] = {"\"", "\\", "u", "d800", "dc00",  "\xFF", "\xC3", "\n", "[", "]",
                               "{",  "}",  ",", ":",    "1e400", "\\\"", "a",    "12", " "};
  for (unsigned seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string text = "[\"";
    for (auto i = random() % 24; i > 0; --i) text += parts[random() % std::size(parts)];
    text += "\"]";
    const MendedJson mended = MendJson(text, kSendersJson, kMost);
    const std::string& out = mended.changed ? mended.text : text;
    const auto before = FindJsonError(text, true);
    const auto after = FindJsonError(out);
    // An escape of a byte that is none, and bytes outside of strings, stay wrong.
    EXPECT_TRUE(!after || before) << text << " became " << out << ": " << after->what;
    EXPECT_FALSE(MendJson(out, kSendersJson, kMost).changed);
  }
}

TEST(JsonTree, MendsOnlyWhereItIsTold) {
  JsonTree tree;
  EXPECT_EQ(tree.Parse(R"(["\ud800"])").error().message(),
            "not JSON: half a surrogate pair at byte 2");
  const auto list = tree.Parse("\xEF\xBB\xBF[\"\\ud800\",\"\xFF\",\"a\"]", kSendersJson);
  ASSERT_TRUE(list.has_value()) << list.error().message();
  EXPECT_EQ(TextOf((*list).at(0).value_unsafe()), "\xEF\xBF\xBD");
  EXPECT_EQ(tree.mended_texts(), 2U);
  EXPECT_TRUE(tree.Parse("[]", kSendersJson).has_value());
  EXPECT_EQ(tree.mended_texts(), 0U);
  EXPECT_EQ(tree.Parse(R"(["\ud800",}])", kSendersJson).error().message(),
            "not JSON: unexpected '}' at byte 10");
  EXPECT_EQ(tree.Parse("[1e400]", kSendersJson).error().message(),
            "JSON with a number out of range");
}

}  // namespace
}  // namespace tracestore::codec
