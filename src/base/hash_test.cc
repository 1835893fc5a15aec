#include "base/hash.h"

#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tracestore::base
