#include "index/zone_map.h"

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "codec/column/int_stream.h"
#include "index/test_support.h"

namespace tracestore::index {
namespace {

struct Sample {
  std::uint32_t page_count = 0;
  std::map<std::uint32_t, std::vector<std::uint64_t>> values;  // by page
  std::string bytes;
};

Sample ArbitrarySample(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Sample sample;
  sample.page_count = static_cast<std::uint32_t>(random() % 3 == 0 ? random() % 4 : random() % 400);
  const bool all = random() % 2 == 0;
  const std::uint64_t shift = random() % 64;
  ZoneMapBuilder builder;
  for (std::uint32_t page = sample.page_count; page-- > 0;) {
    if (!all && random() % 2 == 0) continue;
    for (std::uint64_t n = 1 + random() % 4; n > 0; --n) {
      const std::uint64_t value = random() % 20 == 0 ? ~std::uint64_t{0} : random() >> shift;
      builder.Add(page, value);
      sample.values[page].push_back(value);
    }
  }
  sample.bytes = builder.Finish(sample.page_count);
  return sample;
}

TEST(ZoneMap, GivesEveryPageThatHoldsAValueInTheRange) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sample sample = ArbitrarySample(seed);
    const auto map = ZoneMap::Parse(sample.bytes, sample.page_count);
    ASSERT_TRUE(map.has_value()) << map.error().message();
    ASSERT_EQ(map->page_count(), sample.page_count);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t shift = random() % 64;
      const std::uint64_t x = random() >> shift;
      const std::uint64_t y = random() >> shift;
      std::vector<std::uint32_t> expected;
      for (const auto& [page, values] : sample.values) {
        const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
        if (*least <= std::max(x, y) && *greatest >= std::min(x, y)) expected.push_back(page);
      }
      EXPECT_EQ(map->PagesOverlapping(std::min(x, y), std::max(x, y)).ToVector(), expected);
      if (x == y) continue;
      EXPECT_TRUE(map->PagesOverlapping(std::max(x, y), std::min(x, y)).empty());
    }
    EXPECT_EQ(map->Whole().has_value(), !sample.values.empty());
    for (std::uint32_t page = 0; page < sample.page_count; ++page) {
      const auto zone = map->ZoneOf(page);
      const auto values = sample.values.find(page);
      ASSERT_EQ(zone.has_value(), values != sample.values.end());
      if (!zone) continue;
      EXPECT_EQ(zone->least, *std::min_element(values->second.begin(), values->second.end()));
      EXPECT_EQ(zone->greatest, *std::max_element(values->second.begin(), values->second.end()));
      EXPECT_LE(map->Whole()->least, zone->least);
      EXPECT_GE(map->Whole()->greatest, zone->greatest);
    }
  }
}

TEST(ZoneMap, SurvivesDamage) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sample sample = ArbitrarySample(seed);
    std::mt19937_64 random(seed);
    EXPECT_FALSE(ZoneMap::Parse(sample.bytes + '\0', sample.page_count).has_value());
    ForEachDamage(
        sample.bytes, random, 100,
        [&](std::string_view cut) {
          EXPECT_FALSE(ZoneMap::Parse(cut, sample.page_count).has_value());
        },
        [&](std::string_view flipped) {
          const auto damaged = ZoneMap::Parse(flipped, sample.page_count);
          if (!damaged) return;
          const PageSet pages = damaged->PagesOverlapping(0, ~std::uint64_t{0});
          EXPECT_LE(pages.cardinality(), sample.page_count);
        });
  }
}

TEST(ZoneMap, MapsSignedAndFloatingValuesInOrder) {
  const std::int64_t ints[] = {std::numeric_limits<std::int64_t>::min(), -5, -1, 0, 1, 77,
                               std::numeric_limits<std::int64_t>::max()};
  for (std::size_t i = 1; i < std::size(ints); ++i) {
    EXPECT_LT(OrderedBits(ints[i - 1]), OrderedBits(ints[i]));
  }
  const double infinity = std::numeric_limits<double>::infinity();
  const double doubles[] = {-infinity, -1e300, -2.5, -1e-310, 0.0, 1e-310, 1.0, 1.5, infinity};
  for (std::size_t i = 1; i < std::size(doubles); ++i) {
    EXPECT_LT(OrderedBits(doubles[i - 1]), OrderedBits(doubles[i]));
  }
  EXPECT_EQ(OrderedBits(-0.0), OrderedBits(0.0));
}

TEST(ZoneMap, HasTheBytesOfTheFormatPage) {
  EXPECT_EQ(ToHex(ZoneMapBuilder().Finish(0)), "00");
  ZoneMapBuilder builder;
  builder.AddRange(0, 10, 12);
  builder.Add(2, 30);
  EXPECT_EQ(ToHex(builder.Finish(3)), "01 05 29 0a 80 02 11 00 02");
}

TEST(ZoneMap, RefusesEveryHandMadeBreakOfARule) {
  const struct {
    const char* what;
    const char* hex;
  } cases[] = {
      {"nothing", ""},
      {"unknown presence", "02 00 00"},
      {"no presence bits", "01"},
      {"presence bit past the last page", "01 08 00 00"},
      {"no columns", "00"},
      {"one column", "00 08"},
      {"a zone past 64 bits", "00 f8 ff ff ff ff ff ff ff ff ff 01 08"},
      {"bytes after the end", "00 00 00 00"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    const auto parsed = ZoneMap::Parse(FromHex(one.hex), 3);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorruption);
  }
  EXPECT_TRUE(ZoneMap::Parse(FromHex("00 00 00"), 3).has_value());
}

}  // namespace
}  // namespace tracestore::index
