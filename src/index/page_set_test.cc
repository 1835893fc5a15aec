#include "index/page_set.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "index/test_support.h"

namespace tracestore::index {
namespace {

using Model = std::set<std::uint32_t>;

std::vector<std::uint32_t> AsVector(const Model& model) { return {model.begin(), model.end()}; }

// Empty, sparse, runs, dense (a bit-set container), several containers, all.
Model Arbitrary(std::mt19937_64& random, std::uint32_t& page_count) {
  Model model;
  const std::uint64_t form = random() % 6;
  page_count = form >= 4 ? 200'000 : 20'000;
  const std::uint64_t values = form == 3 ? 9'000 : random() % 200;
  for (std::uint64_t i = 0; i < values; ++i) {
    const auto page = static_cast<std::uint32_t>(random() % page_count);
    const std::uint64_t more = form % 2 == 0 ? 0 : random() % 40;
    for (std::uint64_t j = 0; j <= more && page + j < page_count; ++j) {
      model.insert(page + static_cast<std::uint32_t>(j));
    }
  }
  return model;
}

PageSet SetOf(const Model& model) { return PageSet::Of(AsVector(model)); }

TEST(PageSet, EqualsASetOfIntegers) {
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::uint32_t page_count = 0;
    const Model a = Arbitrary(random, page_count);
    const Model b = Arbitrary(random, page_count);
    const PageSet set_a = SetOf(a);
    const PageSet set_b = SetOf(b);
    EXPECT_EQ(set_a.ToVector(), AsVector(a));
    EXPECT_EQ(set_a.cardinality(), a.size());
    EXPECT_EQ(set_a.empty(), a.empty());
    EXPECT_EQ(set_a == set_b, a == b);
    std::vector<std::uint32_t> backwards(a.rbegin(), a.rend());
    EXPECT_EQ(set_a.ToVectorDescending(), backwards);
    Model both;
    Model either = a;
    Model rest;
    for (const std::uint32_t v : a) (b.count(v) != 0 ? both : rest).insert(v);
    either.insert(b.begin(), b.end());
    PageSet result = set_a;
    result.And(set_b);
    EXPECT_EQ(result.ToVector(), AsVector(both));
    result = set_a;
    result.Or(set_b);
    EXPECT_EQ(result.ToVector(), AsVector(either));
    result = set_a;
    result.AndNot(set_b);
    EXPECT_EQ(result.ToVector(), AsVector(rest));
    for (int i = 0; i < 100; ++i) {
      const auto page = static_cast<std::uint32_t>(random() % 200'000);
      EXPECT_EQ(set_a.Contains(page), a.count(page) != 0);
    }
  }
}

TEST(PageSet, EmptyFullAndMovedFromSetsBehave) {
  EXPECT_TRUE(PageSet().empty());
  EXPECT_TRUE(PageSet::Full(0).empty());
  EXPECT_EQ(PageSet::Full(3).ToVector(), (std::vector<std::uint32_t>{0, 1, 2}));
  PageSet set = PageSet::Full(70'000);
  EXPECT_EQ(set.cardinality(), 70'000U);
  const PageSet moved = std::move(set);
  EXPECT_TRUE(set.empty());  // NOLINT(bugprone-use-after-move): the header promises it
  set.Add(7);
  set.Remove(8);
  EXPECT_EQ(set.ToVector(), (std::vector<std::uint32_t>{7}));
  set.Remove(7);
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set == PageSet());
  set.Or(moved);
  EXPECT_TRUE(set == moved);
  set.AndNot(set);
  EXPECT_TRUE(set.empty());
}

TEST(PageSet, SerialisesToThePortableFormat) {
  std::string bytes;
  PageSet::Of(std::vector<std::uint32_t>{1, 5, 300}).AppendTo(bytes);
  EXPECT_EQ(ToHex(bytes), "3a 30 00 00 01 00 00 00 00 00 02 00 10 00 00 00 01 00 05 00 2c 01");
  bytes.clear();
  PageSet::Full(100).AppendTo(bytes);
  EXPECT_EQ(ToHex(bytes), "3b 30 00 00 01 00 00 63 00 01 00 00 00 63 00");
}

TEST(PageSet, RoundTripsAndSurvivesDamage) {
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::uint32_t page_count = 0;
    const PageSet set = SetOf(Arbitrary(random, page_count));
    std::string bytes;
    set.AppendTo(bytes);
    const auto parsed = PageSet::Parse(bytes, page_count);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_TRUE(*parsed == set);
    if (!set.empty()) {
      EXPECT_FALSE(PageSet::Parse(bytes, set.ToVector().back()).has_value());
    }
    EXPECT_FALSE(PageSet::Parse(bytes + '\0', page_count).has_value());
    ForEachDamage(
        bytes, random, 100,
        [&](std::string_view cut) { EXPECT_FALSE(PageSet::Parse(cut, page_count).has_value()); },
        [&](std::string_view flipped) {
          const auto damaged = PageSet::Parse(flipped, page_count);
          if (!damaged) return;
          const auto pages = damaged->ToVector();
          EXPECT_TRUE(pages.empty() || pages.back() < page_count);
          PageSet all = PageSet::Full(page_count);
          all.And(*damaged);
          EXPECT_TRUE(all == *damaged);
        });
  }
}

TEST(PageSet, RefusesEveryHandMadeBreakOfARule) {
  const struct {
    const char* what;
    const char* hex;
  } cases[] = {
      {"unknown cookie", "3c 30 00 00 00 00 00 00"},
      {"a huge container count", "3a 30 00 00 ff ff ff ff 00 00 02 00"},
      {"65,536 containers in 12 bytes", "3b 30 ff ff 00 00 00 00 00 00 00 00"},
      {"keys not ascending",
       "3a 30 00 00 02 00 00 00 01 00 00 00 01 00 00 00 18 00 00 00 1a 00 00 00 01 00 02 00"},
      {"wrong offset", "3a 30 00 00 01 00 00 00 00 00 00 00 11 00 00 00 01 00"},
      {"array not ascending", "3a 30 00 00 01 00 00 00 00 00 01 00 10 00 00 00 05 00 05 00"},
      {"array cut short", "3a 30 00 00 01 00 00 00 00 00 02 00 10 00 00 00 05 00 06 00"},
      {"overlapping runs", "3b 30 00 00 01 00 00 07 00 02 00 00 00 03 00 02 00 03 00"},
      {"touching runs", "3b 30 00 00 01 00 00 07 00 02 00 00 00 03 00 04 00 03 00"},
      {"run past 65,535", "3b 30 00 00 01 00 00 0f 00 01 00 ff ff 0f 00"},
      {"run cardinality wrong", "3b 30 00 00 01 00 00 64 00 01 00 00 00 63 00"},
      {"no runs", "3b 30 00 00 01 00 00 00 00 00 00"},
      {"65,535 runs in 4 bytes", "3b 30 00 00 01 00 00 63 00 ff ff 00 00 63 00"},
      {"run flag past the last container", "3b 30 00 00 03 00 00 63 00 01 00 00 00 63 00"},
      {"page number past the last page", "3a 30 00 00 01 00 00 00 01 00 00 00 10 00 00 00 00 00"},
      {"bytes after the end", "3a 30 00 00 00 00 00 00 00"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    const auto parsed = PageSet::Parse(FromHex(one.hex), 65'536);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorruption);
  }
  // A bit set whose bit count differs from its header.
  std::string bytes;
  std::vector<std::uint32_t> odd;
  for (std::uint32_t i = 0; i < 10'000; i += 2) odd.push_back(i);
  PageSet::Of(odd).AppendTo(bytes);
  ASSERT_TRUE(PageSet::Parse(bytes, 10'000).has_value());
  bytes[20] = static_cast<char>(bytes[20] ^ 2);
  EXPECT_FALSE(PageSet::Parse(bytes, 10'000).has_value());
}

}  // namespace
}  // namespace tracestore::index
