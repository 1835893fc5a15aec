#include "query/id_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace tracestore::query {
namespace {

TEST(IdTable, FindsEveryRowOfAnId) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    // Many of few ids, few of many, neighbours, zeros.
    const std::uint64_t choices = std::uint64_t{1} << (seed % 20);
    const std::uint64_t step = seed % 3 == 0 ? 1 : random() | 1;
    std::vector<std::uint64_t> ids(seed < 4 ? seed : random() % 5000);
    std::map<std::uint64_t, std::set<std::uint32_t>> rows;
    for (std::uint32_t row = 0; row < ids.size(); ++row) {
      ids[row] = random() % choices * step;
      rows[ids[row]].insert(row);
    }
    const IdTable table{std::span<const std::uint64_t>(ids)};
    EXPECT_EQ(ids.size(), table.size());
    for (const auto& [id, expected] : rows) {
      std::vector<std::uint32_t> found;
      table.ForEachCandidate(id, [&](std::uint32_t row) {
        if (ids[row] == id) found.push_back(row);
      });
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), found.begin(), found.end()));
    }
    table.ForEachCandidate(~std::uint64_t{0}, [&](std::uint32_t row) { ASSERT_LT(row, ids.size()); });

    std::set<std::uint32_t> shared;
    table.ForEachPair([&](std::uint32_t a, std::uint32_t b) {
      if (ids[a] != ids[b]) return;
      shared.insert(a);
      shared.insert(b);
    });
    std::set<std::uint32_t> expected;
    for (const auto& [id, list] : rows) {
      if (list.size() > 1) expected.insert(list.begin(), list.end());
    }
    EXPECT_EQ(expected, shared);
  }
}

TEST(IdTable, OfEntriesGivesTheirRows) {
  const std::vector<IdTable::Entry> entries = {{8, 3}, {7, 11}, {7, 40}};
  const IdTable table{std::span<const IdTable::Entry>(entries)};
  std::vector<std::uint32_t> found;
  table.ForEachCandidate(7, [&](std::uint32_t row) { found.push_back(row); });
  EXPECT_EQ((std::vector<std::uint32_t>{11, 40}), found);
  IdTable().ForEachCandidate(7, [](std::uint32_t) { FAIL(); });
  IdTable().ForEachPair([](std::uint32_t, std::uint32_t) { FAIL(); });
}

}  // namespace
}  // namespace tracestore::query
