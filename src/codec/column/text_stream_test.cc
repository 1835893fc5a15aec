#include "codec/column/text_stream.h"

#include <gtest/gtest.h>

#include "codec/column/column_test_util.h"

namespace tracestore::column {
namespace {

using testing::Random;
using testing::ToHex;

std::vector<std::string> ArbitraryTexts(std::uint64_t seed) {
  Random random(seed);
  constexpr std::size_t kCounts[] = {0, 1, 2, 50, 400};
  const std::size_t count = kCounts[random.Below(std::size(kCounts))];
  const std::uint64_t kind = random.Below(4);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    if (kind == 0) continue;
    if (kind == 1) text = "GET /api/users/" + std::to_string(random.Below(50));
    const std::size_t size = kind == 1 ? 0 : random.Below(kind == 2 ? 5 : 100);
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(random.Next()));
  }
  return texts;
}

std::string Encoded(const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::string out;
  EncodeTexts(views, out);
  return out;
}

std::size_t TotalBytes(const std::vector<std::string>& texts) {
  std::size_t total = 0;
  for (const std::string& text : texts) total += text.size();
  return total;
}

TEST(TextStream, RoundTripsAndRejectsEveryTruncation) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<std::string> texts = ArbitraryTexts(seed);
    const std::string bytes = Encoded(texts);
    std::string arena;
    std::vector<std::string_view> back;
    base::ByteReader reader(bytes);
    const Status status = DecodeTexts(reader, texts.size(), TotalBytes(texts), arena, back);
    ASSERT_TRUE(status.has_value()) << status.error().message();
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(std::vector<std::string>(back.begin(), back.end()), texts);
    const std::size_t step = 1 + bytes.size() / 100;
    for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
      base::ByteReader short_reader(std::string_view(bytes).substr(0, cut));
      EXPECT_FALSE(DecodeTexts(short_reader, texts.size(), 1 << 20, arena, back).has_value());
    }
  }
}

TEST(TextStream, NeverTakesMoreThanAllowed) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<std::string> texts = ArbitraryTexts(seed);
    std::string bytes = Encoded(texts);
    const std::size_t total = TotalBytes(texts);
    std::string arena;
    std::vector<std::string_view> back;
    if (total > 0) {
      base::ByteReader reader(bytes);
      EXPECT_FALSE(DecodeTexts(reader, texts.size(), total - 1, arena, back).has_value());
    }
    Random random(seed);
    for (int round = 0; round < 20 && !bytes.empty(); ++round) {
      bytes[random.Below(bytes.size())] ^= static_cast<char>(1U << random.Below(8));
      base::ByteReader reader(bytes);
      std::size_t sum = 0;
      if (DecodeTexts(reader, texts.size(), total, arena, back).has_value()) {
        for (const std::string_view text : back) sum += text.size();
      }
      EXPECT_LE(sum, total);
      EXPECT_LE(arena.size(), total);
    }
  }
}

TEST(TextStream, MatchesTheExamplesOfTheFormatPage) {
  const std::string three = "11 00 12 06 61 62 63";
  EXPECT_EQ(ToHex(Encoded({"ab", "", "c"})), three);
  EXPECT_TRUE(testing::IsOnFormatPage(three));
  EXPECT_EQ(ToHex(Encoded({"", "", ""})), "00");
  EXPECT_EQ(ToHex(Encoded({})), "");
}

}  // namespace
}  // namespace tracestore::column
