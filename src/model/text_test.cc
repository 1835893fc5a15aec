#include "model/text.h"

#include <limits>

#include <gtest/gtest.h>

namespace tracestore::model {
namespace {

TEST(Text, Base64RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    std::string text;
    AppendBase64(bytes, text);
    EXPECT_EQ(text.size() % 4, 0U);
    EXPECT_EQ(DecodeBase64(text), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_FALSE(DecodeBase64("a*b=").has_value());
  EXPECT_FALSE(DecodeBase64("abcde").has_value());
}

TEST(Text, JsonStringsEscapeControlsAndMendUtf8) {
  std::string out;
  AppendJsonString("a\"\\\n\x01Gr\xC3\xBC\xC3 \xED\xA0\x80", out);
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001Gr\xC3\xBC\xEF\xBF\xBD "
                 "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(Text, WrongBytesAreMendedOneByOne) {
  EXPECT_EQ(MendUtf8("a\xFF\xC3\xBC\xBC\xE2\x82"),
            "a\xEF\xBF\xBD\xC3\xBC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Text, CutsAreBetweenCharacters) {
  const std::string text = "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80";
  const std::size_t lengths[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t most = 0; most < std::size(lengths); ++most)
    EXPECT_EQ(CutText(text, most), text.substr(0, lengths[most])) << most;
}

TEST(Text, CanonicalTextsOfEveryType) {
  SpanBatch batch;
  batch.AddString(0, "123");
  batch.AddInt(0, 123);
  batch.AddBool(0, true);
  batch.AddDouble(0, 72.5);
  batch.AddBlob(0, ValueType::kBytes, std::string("\x01\x02", 2));
  std::vector<std::string> texts;
  for (const Attribute& attribute : batch.attributes)
    texts.push_back(CanonicalText(batch, attribute));
  EXPECT_EQ(texts, (std::vector<std::string>{"123", "123", "true", "72.5", "AQI="}));
}

TEST(Text, NumbersAreWholeTexts) {
  EXPECT_EQ(ParseNumber("72.5"), 72.5);
  EXPECT_EQ(ParseNumber("-1e3"), -1000.0);
  for (const char* text : {"", "12ms", " 1", "nan", "inf", "1e999"})
    EXPECT_FALSE(ParseNumber(text).has_value()) << text;
}

}  // namespace
}  // namespace tracestore::model
