#include "codec/column/string_dictionary.h"

#include <set>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "codec/column/column_test_util.h"
#include "codec/column/int_stream.h"

namespace tracestore::column {
namespace {

using testing::FromHex;
using testing::Random;
using testing::ToHex;

std::vector<std::string> ArbitraryWords(std::uint64_t seed) {
  Random random(seed);
  constexpr std::size_t kCounts[] = {0, 1, 2, 30, 500};
  const std::size_t count = kCounts[random.Below(std::size(kCounts))];
  const bool binary = random.Below(2) == 0;
  std::set<std::string> words;
  for (std::size_t i = 0; i < count; ++i) {
    std::string word = binary ? "" : "com.example.";
    const std::size_t size = random.Below(6);
    for (std::size_t k = 0; k < size; ++k) {
      word.push_back(static_cast<char>(binary ? random.Next() : 'a' + random.Below(3)));
    }
    words.insert(word);
  }
  return {words.begin(), words.end()};
}

std::string Encoded(const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  return EncodeStringDictionary(views);
}

TEST(StringDictionary, RoundTripsFindsAndRejectsEveryTruncation) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<std::string> words = ArbitraryWords(seed);
    const std::string bytes = Encoded(words);
    const auto dictionary = StringDictionary::Parse(bytes);
    ASSERT_TRUE(dictionary.has_value()) << dictionary.error().message();
    ASSERT_EQ(dictionary->size(), words.size());
    for (std::uint32_t id = 0; id < words.size(); ++id) {
      EXPECT_EQ(dictionary->At(id), words[id]);
      EXPECT_EQ(dictionary->Find(words[id]), std::optional(id));
      const std::string absent = words[id] + "~absent";
      EXPECT_EQ(dictionary->Find(absent), std::nullopt);
    }
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      EXPECT_FALSE(StringDictionary::Parse(std::string_view(bytes).substr(0, cut)).has_value());
    }
    EXPECT_FALSE(StringDictionary::Parse(bytes + "x").has_value());
  }
}

TEST(StringDictionary, PrefixRangeEqualsASlowSearch) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<std::string> words = ArbitraryWords(seed);
    const auto dictionary = StringDictionary::Parse(Encoded(words));
    ASSERT_TRUE(dictionary.has_value());
    std::vector<std::string> prefixes = {"", "com", "com.example.a", "z", "\xff"};
    for (const std::string& word : words) prefixes.push_back(word.substr(0, 1 + word.size() / 2));
    for (const std::string& prefix : prefixes) {
      const auto [first, last] = dictionary->PrefixRange(prefix);
      std::size_t expected = 0;
      for (std::uint32_t id = 0; id < words.size(); ++id) {
        const bool starts = words[id].starts_with(prefix);
        EXPECT_EQ(starts, id >= first && id < last);
        expected += starts;
      }
      EXPECT_EQ(last - first, expected);
    }
  }
}

TEST(StringDictionary, NeverCrashesOnBitFlipsAndKeepsItsLimits) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string good = Encoded(ArbitraryWords(seed));
    Random random(seed);
    for (int round = 0; round < 40; ++round) {
      std::string bad = good;
      bad[random.Below(bad.size())] ^= static_cast<char>(1U << random.Below(8));
      const auto dictionary =
          StringDictionary::Parse(bad, {.max_entries = 1000, .max_total_bytes = 20'000});
      if (!dictionary.has_value()) continue;
      EXPECT_LE(dictionary->size(), 1000U);
      EXPECT_LE(dictionary->memory_bytes(), 25'000U);
      for (std::uint32_t id = 1; id < dictionary->size(); ++id) {
        EXPECT_LT(dictionary->At(id - 1), dictionary->At(id));
      }
    }
  }
}

TEST(StringDictionary, RefusesAFrontCodedBomb) {
  // A million strings that each share all of a long one before: tiny on disk, huge in memory.
  std::string bytes;
  base::ByteWriter(bytes).Varint(1'000'000);
  std::vector<std::uint64_t> shared(1'000'000, 1000);
  shared[0] = 0;
  std::vector<std::uint64_t> suffixes(1'000'000, 0);
  suffixes[0] = 1000;
  EncodeInts(shared, bytes);
  EncodeInts(suffixes, bytes);
  const auto dictionary = StringDictionary::Parse(bytes);
  ASSERT_FALSE(dictionary.has_value());
  EXPECT_EQ(dictionary.error().code(), ErrorCode::kCorruption);
}

TEST(StringDictionary, RefusesStringsOutOfOrder) {
  for (const char* hex : {"02 00 08 04 62 61",       // "b", "a"
                          "02 00 08 04 61 61",       // "a" twice
                          "02 00 00",                // "" twice
                          "02 11 00 80 08 04 61 61"  // shares more than the string before has
       }) {
    SCOPED_TRACE(hex);
    EXPECT_FALSE(StringDictionary::Parse(FromHex(hex)).has_value());
  }
}

TEST(StringDictionary, MatchesTheExampleOfTheFormatPage) {
  const std::string hex = "04 11 00 30 19 00 60 06 10 63 61 72 73 74 64 6f 67";
  EXPECT_EQ(ToHex(Encoded({"", "cars", "cart", "dog"})), hex);
  EXPECT_TRUE(testing::IsOnFormatPage(hex));
}

}  // namespace
}  // namespace tracestore::column
