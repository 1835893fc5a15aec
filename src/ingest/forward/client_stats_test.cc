#include "ingest/forward/client_stats.h"

#include <gtest/gtest.h>

#include <limits>

namespace tracestore::ingest {
namespace {

constexpr ClientStats::Time kStart{};

codec::JaegerBatchInfo Batch(std::string client, std::optional<std::int64_t> number,
                             std::optional<codec::JaegerClientStats> stats = std::nullopt) {
  codec::JaegerBatchInfo out;
  out.client = std::move(client);
  out.number = number;
  out.stats = stats;
  return out;
}

TEST(ClientStats, TheFirstBatchOnlySetsWhereCountsBegin) {
  ClientStats stats;
  stats.Update(Batch("a", 100, {{7, 8, 9}}), kStart);
  ClientCounters counters = stats.counters();
  EXPECT_EQ(counters.batches_received, 1U);
  EXPECT_EQ(counters.batches_sent, 0U);
  EXPECT_EQ(counters.dropped_full_queue, 0U);
  EXPECT_EQ(counters.connected_clients, 1U);

  stats.Update(Batch("a", 105, {{10, 8, 19}}), kStart);  // four batches were lost on the way
  counters = stats.counters();
  EXPECT_EQ(counters.batches_received, 2U);
  EXPECT_EQ(counters.batches_sent, 5U);
  EXPECT_EQ(counters.dropped_full_queue, 3U);
  EXPECT_EQ(counters.dropped_too_large, 0U);
  EXPECT_EQ(counters.dropped_send_failure, 10U);
}

TEST(ClientStats, BatchesOutOfOrderAreReceivedAndNoMore) {
  ClientStats stats;
  stats.Update(Batch("a", 1, {{0, 0, 0}}), kStart);
  stats.Update(Batch("a", 3, {{2, 0, 0}}), kStart);
  stats.Update(Batch("a", 2, {{1, 0, 0}}), kStart);
  stats.Update(Batch("a", 4), kStart);  // a client without stats
  stats.Update(Batch("a", 5, {{5, 0, 0}}), kStart);
  const ClientCounters counters = stats.counters();
  EXPECT_EQ(counters.batches_received, 5U);
  EXPECT_EQ(counters.batches_sent, 4U);
  EXPECT_EQ(counters.dropped_full_queue, 5U);
}

TEST(ClientStats, WithoutUuidOrNumberNothingCounts) {
  ClientStats stats;
  stats.Update(Batch("", 1), kStart);
  stats.Update(Batch("a", std::nullopt, {{1, 1, 1}}), kStart);
  stats.Update(Batch(std::string(300, 'x'), 1), kStart);
  EXPECT_EQ(stats.counters().batches_received, 0U);
  EXPECT_EQ(stats.counters().connected_clients, 0U);
}

TEST(ClientStats, CountsThatGoBackAddNothing) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  ClientStats stats;
  stats.Update(Batch("a", 1, {{kMost, 5, kLeast}}), kStart);
  stats.Update(Batch("a", 2, {{kLeast, 4, kMost}}), kStart);
  EXPECT_EQ(stats.counters().dropped_full_queue, 0U);
  EXPECT_EQ(stats.counters().dropped_too_large, 0U);
  EXPECT_EQ(stats.counters().dropped_send_failure, std::numeric_limits<std::uint64_t>::max());
}

TEST(ClientStats, ForgetsClientsAfterAnHour) {
  ClientStats stats;
  stats.Update(Batch("a", 1), kStart);
  stats.Update(Batch("b", 1), kStart + std::chrono::minutes(30));
  stats.Expire(kStart + std::chrono::minutes(60));
  EXPECT_EQ(stats.counters().connected_clients, 2U);
  stats.Expire(kStart + std::chrono::minutes(61));
  EXPECT_EQ(stats.counters().connected_clients, 1U);
}

}  // namespace
}  // namespace tracestore::ingest
