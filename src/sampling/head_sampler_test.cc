#include "sampling/head_sampler.h"

#include <gtest/gtest.h>

namespace tracestore::sampling {
namespace {

TEST(HeadSampler, KeepsAllOrNothingAtTheEnds) {
  for (std::uint64_t i = 1; i < 1000; ++i) {
    EXPECT_TRUE(HeadSampler(1).Keeps(TraceId{i, i * 7}));
    EXPECT_FALSE(HeadSampler(0).Keeps(TraceId{i, i * 7}));
  }
}

// Ids that count up are no random numbers; the share holds for them, too.
TEST(HeadSampler, KeepsTheShareAndALowerShareIsASubset) {
  const HeadSampler tenth(0.1);
  const HeadSampler third(0.3);
  int in_tenth = 0;
  int in_third = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const TraceId id{0, i};
    in_tenth += tenth.Keeps(id) ? 1 : 0;
    in_third += third.Keeps(id) ? 1 : 0;
    EXPECT_TRUE(third.Keeps(id) || !tenth.Keeps(id));
  }
  // The hash is fixed: within four standard deviations of the binomial, found once and for all.
  EXPECT_NEAR(in_tenth, 10'000, 380);
  EXPECT_NEAR(in_third, 30'000, 580);
}

TEST(HeadSampler, DecidesByTheLowHalfOfTheId) {
  const HeadSampler half(0.5);
  for (std::uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(half.Keeps(TraceId{0, i}), half.Keeps(TraceId{~i, i}));
}

TEST(HeadSampler, KeepsDebugAndFirehoseSpans) {
  model::SpanRecord span;
  EXPECT_FALSE(HeadSampler(0).Keeps(span));
  span.flags = model::kFlagDebug;
  EXPECT_TRUE(HeadSampler(0).Keeps(span));
  span.flags = model::kFlagFirehose;
  EXPECT_TRUE(HeadSampler(0).Keeps(span));
}

}  // namespace
}  // namespace tracestore::sampling
