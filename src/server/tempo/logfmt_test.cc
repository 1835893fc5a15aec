#include "server/tempo/logfmt.h"

#include <gtest/gtest.h>

namespace tracestore::server {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

void Reads(std::string_view text, const Pairs& expected) {
  const auto read = ParseLogfmt(text);
  ASSERT_TRUE(read.has_value()) << text << ": " << read.error().message();
  EXPECT_EQ(*read, expected) << text;
}
void Refuses(std::string_view text, const std::string& sentence) {
  const auto read = ParseLogfmt(text);
  ASSERT_FALSE(read.has_value()) << text;
  EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(read.error().message(), sentence) << text;
}

TEST(Logfmt, ReadsPairs) {
  Reads("", {});
  Reads(" \t\n ", {});
  Reads("k=v", {{"k", "v"}});
  Reads("  service.name=front  k2=\"v 2\" ", {{"service.name", "front"}, {"k2", "v 2"}});
  Reads("bare k= last", {{"bare", ""}, {"k", ""}, {"last", ""}});
  Reads("k=\"\" k=v", {{"k", ""}, {"k", "v"}});  // whether a key may come again is not its matter
  Reads("pfad=/a/ü", {{"pfad", "/a/ü"}});
}

TEST(Logfmt, ReadsEscapes) {
  Reads(R"(k="a\"b\\c\/d\n\t")", {{"k", "a\"b\\c/d\n\t"}});
  Reads(R"(k="\u00fc\u20ac\ud83d\ude00")", {{"k", "ü€😀"}});
  Reads(R"(k="\ud83dx")", {{"k", "\xEF\xBF\xBDx"}});
  Reads(R"(k="\ud83d\u0041")", {{"k", "\xEF\xBF\xBD" "A"}});
}

TEST(Logfmt, NamesThePlaceOfWhatIsWrong) {
  Refuses("=v", "unexpected '=' at pos 1");
  Refuses("k=v=w", "unexpected '=' at pos 4");
  Refuses("a \"b\"", "unexpected '\"' at pos 3");
  Refuses("a\"b\"", "unexpected '\"' at pos 2");
  Refuses("k=v\"w", "unexpected '\"' at pos 4");
  Refuses("k=\"v\"w", "unexpected 'w' at pos 6");
  Refuses("k=\"v", "unterminated quoted value at pos 5");
  Refuses("k=\"v\\", "invalid quoted value at pos 5");
  Refuses(R"(k="\x41")", "invalid quoted value at pos 4");
  Refuses(R"(k="\u12")", "invalid quoted value at pos 4");
}

}  // namespace
}  // namespace tracestore::server
