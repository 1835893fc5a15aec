#include "ingest/tenant_rates.h"

#include <gtest/gtest.h>

namespace tracestore::ingest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TenantRates, ABucketATenant) {
  TenantRates rates({.spans_a_second = {{"shop", 10}, {"free", 0}}, .others = 2});
  const TenantRates::Clock::time_point start{};
  EXPECT_TRUE(rates.Admit("shop", 10, start));
  EXPECT_FALSE(rates.Admit("shop", 1, start));
  EXPECT_TRUE(rates.Admit("pay", 2, start));
  EXPECT_FALSE(rates.Admit("pay", 1, start));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rates.Admit("free", 1000, start));
  EXPECT_TRUE(rates.Admit("shop", 5, start + milliseconds(100)));
  EXPECT_FALSE(rates.Admit("shop", 1, start + milliseconds(100)));
}

TEST(TenantRates, ALongMessageIsTakenAndWaitedFor) {
  TenantRates rates({.spans_a_second = {{"shop", 10}}});
  const TenantRates::Clock::time_point start{};
  EXPECT_TRUE(rates.Admit("shop", 60, start));  // owes 50: five seconds
  EXPECT_FALSE(rates.Admit("shop", 1, start + milliseconds(4999)));
  EXPECT_TRUE(rates.Admit("shop", 1, start + milliseconds(5001)));
  EXPECT_TRUE(rates.Admit("shop", 0, start + milliseconds(5001)));
}

// In the long run a tenant that always sends gets its rate, whatever the messages' lengths.
TEST(TenantRates, GivesTheRateInTheLongRun) {
  TenantRates rates({.spans_a_second = {{"shop", 100}}});
  std::uint64_t taken = 0;
  for (int ms = 0; ms < 100'000; ++ms) {
    const std::uint64_t spans = 1 + static_cast<std::uint64_t>(ms % 37);
    if (rates.Admit("shop", spans, TenantRates::Clock::time_point{milliseconds(ms)}))
      taken += spans;
  }
  EXPECT_NEAR(static_cast<double>(taken), 100.0 * 100, 150);
}

TEST(TenantRates, RemembersABoundedNumber) {
  TenantRates rates({.spans_a_second = {}, .others = 1, .max_tenants = 3});
  const TenantRates::Clock::time_point start{};
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(rates.Admit(name, 1, start));
  EXPECT_FALSE(rates.Admit("d", 1, start));
  EXPECT_TRUE(rates.Admit("d", 1, start + seconds(2)));  // the three have their share back
}

}  // namespace
}  // namespace tracestore::ingest
