#include "codec/column/frame.h"

#include <gtest/gtest.h>

#include "codec/column/column_test_util.h"

namespace tracestore::column {
namespace {

using testing::FromHex;
using testing::Random;
using testing::ToHex;

std::string Framed(std::string_view raw) {
  std::string out;
  AppendFrame(raw, out);
  return out;
}

std::string ArbitraryBytes(std::uint64_t seed) {
  Random random(seed);
  constexpr std::size_t kSizes[] = {0, 1, 63, 64, 65, 100, 1000, 70'000};
  const std::size_t size = kSizes[random.Below(std::size(kSizes))];
  const std::uint64_t alphabet = random.Below(2) ? 256 : 3;
  std::string bytes;
  while (bytes.size() < size) bytes.push_back(static_cast<char>(random.Below(alphabet)));
  return bytes;
}

TEST(Frame, MatchesTheExamplesOfTheFormatPage) {
  const std::string abc = "06 61 62 63";
  const std::string as = "c9 01 0d 00 00 45 00 00 10 61 61 01 00 3f 01 2c";
  EXPECT_EQ(ToHex(Framed("abc")), abc);
  EXPECT_EQ(ToHex(Framed(std::string(100, 'a'))), as);
  EXPECT_TRUE(testing::IsOnFormatPage(abc) && testing::IsOnFormatPage(as));
  std::string scratch;
  const std::string bytes = FromHex(as);
  base::ByteReader reader(bytes);
  const auto raw = ReadFrame(reader, 100, scratch);
  ASSERT_TRUE(raw.has_value());
  EXPECT_EQ(*raw, std::string(100, 'a'));
}

TEST(Frame, RoundTripsAndRejectsEveryTruncation) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string raw = ArbitraryBytes(seed);
    const std::string bytes = Framed(raw);
    EXPECT_LE(bytes.size(), raw.size() + 3);
    std::string scratch;
    base::ByteReader reader(bytes);
    const auto back = ReadFrame(reader, raw.size(), scratch);
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_EQ(*back, raw);
    EXPECT_TRUE(reader.done());
    const std::size_t step = 1 + bytes.size() / 500;
    for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
      base::ByteReader short_reader(std::string_view(bytes).substr(0, cut));
      EXPECT_FALSE(ReadFrame(short_reader, raw.size(), scratch).has_value());
    }
  }
}

TEST(Frame, GivesAViewOfTheInputWhereStoredRaw) {
  const std::string bytes = Framed("short");
  std::string scratch;
  base::ByteReader reader(bytes);
  const auto raw = ReadFrame(reader, 5, scratch);
  ASSERT_TRUE(raw.has_value());
  EXPECT_EQ(raw->data(), bytes.data() + 1);
  EXPECT_TRUE(scratch.empty());
}

TEST(Frame, RefusesMoreThanAllowedBeforeTakingMemory) {
  std::string huge;
  base::ByteWriter writer(huge);
  writer.Varint((std::uint64_t{1} << 62) | 1);
  writer.Bytes("x");
  for (const std::string& bytes : {huge, Framed(std::string(1000, 'a'))}) {
    std::string scratch;
    base::ByteReader reader(bytes);
    const auto raw = ReadFrame(reader, 999, scratch);
    ASSERT_FALSE(raw.has_value());
    EXPECT_EQ(raw.error().code(), ErrorCode::kCorruption);
    EXPECT_TRUE(scratch.empty());
  }
}

TEST(Frame, SurvivesBitFlips) {
  const std::string good = Framed(ArbitraryBytes(7) + std::string(500, 'a') + ArbitraryBytes(9));
  Random random(1);
  std::string scratch;
  for (int round = 0; round < 2000; ++round) {
    std::string bad = good;
    bad[random.Below(bad.size())] ^= static_cast<char>(1U << random.Below(8));
    base::ByteReader reader(bad);
    const auto raw = ReadFrame(reader, 100'000, scratch);
    if (raw.has_value()) {
      EXPECT_LE(raw->size(), 100'000U);
    }
    EXPECT_LE(scratch.size(), 100'000U);
  }
}

}  // namespace
}  // namespace tracestore::column
