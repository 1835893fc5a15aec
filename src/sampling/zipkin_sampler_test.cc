#include "sampling/zipkin_sampler.h"

#include <gtest/gtest.h>

namespace tracestore::sampling {
namespace {

ZipkinSampler Of(double rate) { return ZipkinSampler::Make(rate).value(); }

constexpr std::uint64_t kMax = 0x7FFFFFFFFFFFFFFFULL;
constexpr std::uint64_t kMin = 0x8000000000000000ULL;

TEST(ZipkinSampler, KeepsTheShareOfItsRate) {
  for (const std::uint64_t id : {1ULL, 77ULL, 0x7FFFFFFFFFFFFFFFULL, 0x8000000000000000ULL, ~0ULL})
    EXPECT_TRUE(Of(1).Keeps(TraceId{0, id})) << id;
  EXPECT_TRUE(Of(1).keeps_all());
  EXPECT_FALSE(Of(0).Keeps(TraceId{0, 1}));
  EXPECT_TRUE(Of(0).Keeps(TraceId{5, 0}));  // only the lower half counts, and 0 is within any rate
  // The boundary of a half: 2^62, on both sides of 0.
  EXPECT_TRUE(Of(0.5).Keeps(TraceId{0, kMax / 2}));
  EXPECT_FALSE(Of(0.5).Keeps(TraceId{0, kMax / 2 + 2}));
  EXPECT_TRUE(Of(0.5).Keeps(TraceId{0, ~0ULL}));  // -1
  EXPECT_FALSE(Of(0.5).Keeps(TraceId{0, kMin}));
  EXPECT_FALSE(Of(0.999).Keeps(TraceId{0, kMin}));  // counts as the greatest
  std::uint64_t kept = 0;
  std::uint64_t id = 1;
  for (int i = 0; i < 100'000; ++i) {
    id = id * 6364136223846793005ULL + 1442695040888963407ULL;
    kept += Of(0.1).Keeps(TraceId{0, id}) ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(kept), 10'000, 500);
}

TEST(ZipkinSampler, KeepsDebugSpans) {
  model::SpanRecord span;
  span.trace_id = {0, 77};
  EXPECT_FALSE(Of(0).Keeps(span));
  span.flags = model::kFlagDebug;
  EXPECT_TRUE(Of(0).Keeps(span));
}

TEST(ZipkinSampler, RefusesARateThatIsNone) {
  EXPECT_EQ(ZipkinSampler::Make(1.5).error().message(), "rate should be between 0 and 1: was 1.5");
  EXPECT_EQ(ZipkinSampler::Make(-1).error().message(), "rate should be between 0 and 1: was -1.0");
  EXPECT_FALSE(ZipkinSampler::Make(std::numeric_limits<double>::quiet_NaN()).has_value());
}

}  // namespace
}  // namespace tracestore::sampling
