#include "base/hash.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "base/id_hash.h"

namespace tracestore::base {
namespace {

// Ids as somebody would choose them who knows XXH3: in a table of 4,096 places they share one.
std::vector<TraceId> IdsOfOnePlace(std::size_t count) {
  std::vector<TraceId> ids;
  for (std::uint64_t low = 1; ids.size() < count; ++low) {
    const TraceId id{7, low};
    char bytes[16];
    std::memcpy(bytes, &id.high, 8);
    std::memcpy(bytes + 8, &id.low, 8);
    if (Hash64({bytes, sizeof bytes}) % 4096 == 0) ids.push_back(id);
  }
  return ids;
}

TEST(HashTraceId, SpreadsIdsThatWereChosenToCollide) {
  std::set<std::uint64_t> places;
  for (const TraceId id : IdsOfOnePlace(200)) places.insert(HashTraceId(id) % 4096);
  // Of 200 random places among 4,096 all but about 5 differ.
  EXPECT_GT(places.size(), 150U);
}

TEST(HashTraceId, DependsOnBothHalves) {
  EXPECT_EQ(HashTraceId({1, 2}), HashTraceId({1, 2}));
  EXPECT_NE(HashTraceId({1, 2}), HashTraceId({2, 1}));
  EXPECT_NE(HashTraceId({0, 2}), HashTraceId({1, 2}));
  EXPECT_NE(HashTraceId({1, 0}), HashTraceId({1, 2}));
}

template <typename Set>
std::size_t MostInOnePlace(const Set& set) {
  std::size_t most = 0;
  for (std::size_t i = 0; i < set.bucket_count(); ++i) most = std::max(most, set.bucket_size(i));
  return most;
}

// std::hash gives them one number: for each high half there is a low one that undoes it.
TEST(TraceIdHash, SpreadsIdsOfOneHash) {
  std::unordered_set<TraceId> plain;
  std::unordered_set<TraceId, TraceIdHash> mixed;
  for (std::uint64_t high = 1; high <= 1000; ++high) {
    const TraceId id{high, high * 0x9E3779B97F4A7C15ULL};
    plain.insert(id);
    mixed.insert(id);
  }
  EXPECT_EQ(MostInOnePlace(plain), 1000U);
  EXPECT_LT(MostInOnePlace(mixed), 20U);
}

// Numbers are their own std::hash: multiples of the table's size stand in one place.
TEST(IdHash, SpreadsMultiplesOfTheTablesSize) {
  std::unordered_set<std::uint64_t> plain;
  std::unordered_set<std::uint64_t, IdHash> mixed;
  plain.reserve(1000);
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    const std::uint64_t id = i * plain.bucket_count();
    plain.insert(id);
    mixed.insert(id);
  }
  EXPECT_EQ(MostInOnePlace(plain), 1000U);
  EXPECT_LT(MostInOnePlace(mixed), 20U);
}

}  // namespace
}  // namespace tracestore::base
