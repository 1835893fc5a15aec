#include "index/fuse_filter.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "index/test_support.h"

namespace tracestore::index {
namespace {

std::vector<std::uint64_t> RandomKeys(std::mt19937_64& random, std::size_t count) {
  std::vector<std::uint64_t> keys(count);
  for (std::uint64_t& key : keys) key = random();
  return keys;
}

FuseFilter Built(std::span<const std::uint64_t> keys) {
  auto filter = FuseFilter::Build(keys);
  EXPECT_TRUE(filter.has_value());
  return filter ? std::move(*filter) : FuseFilter();
}

TEST(FuseFilter, HasEveryKeyOfASetOfAnySize) {
  std::vector<std::size_t> sizes;
  for (std::size_t n = 0; n < 130; ++n) sizes.push_back(n);
  for (const std::size_t n : {500U, 1'000U, 4'095U, 10'000U, 65'536U}) sizes.push_back(n);
  for (const std::size_t n : sizes) {
    SCOPED_TRACE("keys " + std::to_string(n));
    std::mt19937_64 random(n);
    const auto keys = RandomKeys(random, n);
    const FuseFilter filter = Built(keys);
    for (const std::uint64_t key : keys) ASSERT_TRUE(filter.MayContain(key));
    std::string bytes;
    filter.AppendTo(bytes);
    const auto parsed = FuseFilter::Parse(bytes);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    for (const std::uint64_t key : keys) ASSERT_TRUE(parsed->MayContain(key));
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t other = random();
      ASSERT_EQ(filter.MayContain(other), parsed->MayContain(other));
    }
  }
}

TEST(FuseFilter, TakesDuplicatesAndIdsThatAreNotUniform) {
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 0; i < 20'000; ++i) keys.push_back(i / 3);            // sequential, thrice
  for (std::uint64_t i = 0; i < 20'000; ++i) keys.push_back(i % 7);            // a few, often
  for (std::uint64_t i = 1; i < 20'000; ++i) keys.push_back(i << 40);          // low bits all zero
  keys.push_back(~std::uint64_t{0});
  const FuseFilter filter = Built(keys);
  for (const std::uint64_t key : keys) ASSERT_TRUE(filter.MayContain(key));
  const FuseFilter same = Built(std::vector<std::uint64_t>(50'000, 42));
  EXPECT_TRUE(same.MayContain(42));
  EXPECT_LE(same.size_bytes(), 8U);
}

TEST(FuseFilter, IsSmallAndSeldomWrong) {
  const struct {
    std::size_t keys;
    double bits;
  } sizes[] = {{1'000, 11.5}, {10'000, 9.9}, {16'000, 9.6}, {100'000, 9.1}, {300'000, 9.0}};
  for (const auto& size : sizes) {
    SCOPED_TRACE("keys " + std::to_string(size.keys));
    std::mt19937_64 random(size.keys);
    const FuseFilter filter = Built(RandomKeys(random, size.keys));
    EXPECT_LE(static_cast<double>(filter.size_bytes()) * 8 / static_cast<double>(size.keys),
              size.bits);
    int wrong = 0;
    for (int i = 0; i < 200'000; ++i) wrong += filter.MayContain(random()) ? 1 : 0;
    // 200,000 / 256 = 781 expected; five standard deviations are 140.
    EXPECT_NEAR(wrong, 781, 140);
  }
}

TEST(FuseFilter, TheEmptySetHoldsNothing) {
  EXPECT_FALSE(FuseFilter().MayContain(0));
  EXPECT_FALSE(Built({}).MayContain(1));
  std::string bytes;
  FuseFilter().AppendTo(bytes);
  EXPECT_EQ(ToHex(bytes), "00");
  const auto parsed = FuseFilter::Parse(bytes);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_FALSE(parsed->MayContain(0));
}

TEST(FuseFilter, HasTheBytesOfTheFormatPage) {
  std::string bytes;
  Built(std::vector<std::uint64_t>{1, 2, 3}).AppendTo(bytes);
  EXPECT_EQ(ToHex(bytes), "03 01 00 52 00 00 e2 26 00 00 00 00 00 00 00");
}

TEST(FuseFilter, SurvivesDamage) {
  std::mt19937_64 random(1);
  for (const std::size_t n : {1U, 2U, 40U, 3'000U}) {
    const auto keys = RandomKeys(random, n);
    std::string bytes;
    Built(keys).AppendTo(bytes);
    EXPECT_FALSE(FuseFilter::Parse(bytes + '\0').has_value());
    ForEachDamage(
        bytes, random, 500,
        [&](std::string_view cut) { EXPECT_FALSE(FuseFilter::Parse(cut).has_value()); },
        [&](std::string_view flipped) {
          const auto damaged = FuseFilter::Parse(flipped);
          if (!damaged) return;
          for (const std::uint64_t key : keys) static_cast<void>(damaged->MayContain(key));
        });
  }
}

TEST(FuseFilter, RefusesEveryHandMadeBreakOfARule) {
  for (const char* hex :
       {"", "80", "01 00 00 01 02 03", "01 00 00 01 02 03 04 05", "01 00 40 01 02 03 04",
        "01 13 00 00", "ff ff ff ff ff ff ff ff ff 01 12 00 00", "80 80 80 80 04 12 00 00",
        "ff ff ff ff 03 12 00", "00 00"}) {
    SCOPED_TRACE(hex);
    const auto parsed = FuseFilter::Parse(FromHex(hex));
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorruption);
  }
  EXPECT_TRUE(FuseFilter::Parse(FromHex("01 00 00 01 02 03 04")).has_value());
}

}  // namespace
}  // namespace tracestore::index
