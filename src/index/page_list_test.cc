#include "index/page_list.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "index/test_support.h"

namespace tracestore::index {
namespace {

std::vector<std::uint32_t> ArbitraryPages(std::mt19937_64& random, std::uint32_t page_count) {
  std::set<std::uint32_t> pages;
  const std::uint64_t count = 1 + random() % (random() % 3 == 0 ? 3 : 150);
  while (pages.size() < count && pages.size() < page_count) {
    pages.insert(static_cast<std::uint32_t>(random() % page_count));
  }
  return {pages.begin(), pages.end()};
}

TEST(PageList, RoundTripsAtEveryParameterAndSurvivesDamage) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::uint32_t page_counts[] = {1, 9, 1'000, 100'000, 0xFFFFFFFF};
    const std::uint32_t page_count = page_counts[random() % 5];
    const auto pages = ArbitraryPages(random, page_count);
    const RiceChoice choice = ChooseRice(pages);
    std::string bytes;
    AppendRice(pages, choice, bytes);
    EXPECT_EQ(bytes.size(), choice.size_bytes);
    std::vector<std::uint32_t> read;
    ASSERT_TRUE(ReadRice(bytes, choice.bits, page_count, read));
    EXPECT_EQ(read, pages);
    EXPECT_FALSE(ReadRice(bytes, choice.bits, pages.back(), read));
    const auto check = [&](std::string_view damaged) {
      if (!ReadRice(damaged, choice.bits, page_count, read)) return;
      ASSERT_FALSE(read.empty());
      EXPECT_LT(read.back(), page_count);
      for (std::size_t i = 1; i < read.size(); ++i) EXPECT_LT(read[i - 1], read[i]);
    };
    ForEachDamage(bytes, random, 50, check, check);
  }
}

TEST(PageList, TheChosenParameterIsTheBest) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto pages = ArbitraryPages(random, 5'000);
    const RiceChoice choice = ChooseRice(pages);
    for (unsigned bits = 0; bits <= kMaxRiceBits; ++bits) {
      std::size_t size = pages.size() * (bits + 1);
      std::uint32_t next = 0;
      for (const std::uint32_t page : pages) {
        size += (page - next) >> bits;
        next = page + 1;
      }
      // Within a byte in thirty of the best of all.
      EXPECT_LE(choice.size_bytes, (size + 7) / 8 + (size + 7) / 8 / 30 + 1) << bits;
    }
  }
}

TEST(PageList, RefusesWhatIsNotAList) {
  std::vector<std::uint32_t> read;
  EXPECT_FALSE(ReadRice("", 0, 10, read));
  EXPECT_FALSE(ReadRice("\xff", 0, 10, read));              // no number at all
  EXPECT_FALSE(ReadRice(std::string(1000, '\xff'), 0, 100'000, read));
  EXPECT_FALSE(ReadRice(std::string(2, '\0'), 0, 15, read));  // 16 pages
  EXPECT_TRUE(ReadRice(std::string(2, '\0'), 0, 16, read));
  EXPECT_FALSE(ReadRice(FromHex("fe ff"), 0, 16, read));      // the rest is longer than 7 bits
  EXPECT_FALSE(ReadRice(std::string("\x0f", 1), 31, 0xFFFFFFFF, read));
}

}  // namespace
}  // namespace tracestore::index
