#include "index/id_permutation.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "index/test_support.h"

namespace tracestore::index {
namespace {

std::vector<std::uint64_t> ArbitraryIds(std::mt19937_64& random) {
  const std::size_t count = random() % 4 == 0 ? random() % 5 : random() % 700;
  const std::uint64_t range = random() % 2 == 0 ? 50 : ~std::uint64_t{0};  // many equal, or none
  std::vector<std::uint64_t> ids(count);
  for (std::uint64_t& id : ids) id = random() % range;
  return ids;
}

TEST(IdPermutation, FindsWhatAMultimapFinds) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto ids = ArbitraryIds(random);
    std::map<std::uint64_t, std::vector<std::uint32_t>> model;
    for (std::uint32_t i = 0; i < ids.size(); ++i) model[ids[i]].push_back(i);
    std::string bytes;
    IdPermutation::Build(ids).AppendTo(bytes);
    const auto parsed = IdPermutation::Parse(bytes);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    ASSERT_EQ(parsed->size(), ids.size());
    const auto id_at = [&](std::uint32_t ordinal) { return ids[ordinal]; };
    for (const auto& [id, ordinals] : model) EXPECT_EQ(parsed->Find(id, id_at), ordinals);
    for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{51}, ~std::uint64_t{0}}) {
      EXPECT_EQ(parsed->Find(id, id_at).size(), model.count(id) != 0 ? model[id].size() : 0U);
    }
  }
}

TEST(IdPermutation, TakesTheBitsOfAnOrdinalForEach) {
  std::vector<std::uint64_t> ids(1000);
  std::mt19937_64 random(7);
  for (std::uint64_t& id : ids) id = random();
  std::string bytes;
  IdPermutation::Build(ids).AppendTo(bytes);
  EXPECT_EQ(bytes.size(), 2U + 1250U);
}

TEST(IdPermutation, HasTheBytesOfTheFormatPage) {
  std::string bytes;
  IdPermutation::Build(std::vector<std::uint64_t>{30, 10, 40, 20, 10}).AppendTo(bytes);
  EXPECT_EQ(ToHex(bytes), "05 e1 20");  // 1 4 3 0 2, three bits each
  bytes.clear();
  IdPermutation().AppendTo(bytes);
  EXPECT_EQ(ToHex(bytes), "00");
}

TEST(IdPermutation, SurvivesDamage) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto ids = ArbitraryIds(random);
    std::string bytes;
    IdPermutation::Build(ids).AppendTo(bytes);
    ForEachDamage(
        bytes, random, 200,
        [&](std::string_view cut) { EXPECT_FALSE(IdPermutation::Parse(cut).has_value()); },
        [&](std::string_view flipped) {
          const auto damaged = IdPermutation::Parse(flipped);
          if (!damaged || damaged->size() != ids.size()) return;
          const auto id_at = [&](std::uint32_t ordinal) { return ids.at(ordinal); };
          for (const std::uint64_t id : ids) {
            for (const std::uint32_t hit : damaged->Find(id, id_at)) EXPECT_EQ(ids[hit], id);
          }
        });
  }
}

TEST(IdPermutation, RefusesEveryHandMadeBreakOfARule) {
  for (const char* hex :
       {"", "80", "01 00", "02 03", "02 00", "03 2a", "04 e5", "ff ff ff ff 0f 00",
        "ff ff ff ff ff ff ff ff ff 01", "02 02 00", "02"}) {
    SCOPED_TRACE(hex);
    const auto parsed = IdPermutation::Parse(FromHex(hex));
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorruption);
  }
  EXPECT_TRUE(IdPermutation::Parse(FromHex("02 02")).has_value());
  EXPECT_TRUE(IdPermutation::Parse(FromHex("04 e4")).has_value());
}

}  // namespace
}  // namespace tracestore::index
