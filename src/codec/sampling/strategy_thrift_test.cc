#include "codec/sampling/strategy_thrift.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/sampling/strategy_test_support.h"

namespace tracestore::codec {
namespace {

TEST(StrategyThrift, GivesTheBytesOfTheIdl) {
  EXPECT_EQ(Hex(EncodeStrategyArguments("fe")), "0b000100000002666500");
  SamplingStrategy half;
  half.probability = 0.5;
  EXPECT_EQ(Hex(EncodeStrategyResult(half)),
            "0c0000"          // 0: the answer
            "08000100000000"  // 1: probabilistic
            "0c0002"          // 2: of a struct
            "0400013fe0000000000000"
            "000000");
  SamplingStrategy limited;
  limited.type = StrategyType::kRateLimiting;
  limited.traces_per_second = 1'000'000;
  EXPECT_EQ(Hex(EncodeStrategyResult(limited)), "0c0000080001000000010c00030600017fff000000");
}

TEST(StrategyThrift, ReadsBackWhatItWroteAndRefusesEveryTruncation) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SamplingStrategy strategy = ArbitraryStrategy<std::int16_t>(seed);
    const std::string bytes = EncodeStrategyResult(strategy);
    const auto again = DecodeStrategyResult(bytes);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, strategy);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
      EXPECT_FALSE(DecodeStrategyResult(std::string_view(bytes).substr(0, cut)).has_value());
    const auto service = DecodeStrategyArguments(EncodeStrategyArguments(std::to_string(seed)));
    ASSERT_TRUE(service.has_value());
    EXPECT_EQ(*service, std::to_string(seed));
  }
}

TEST(StrategyThrift, RefusesWhatIsNoStrategy) {
  for (const std::string_view bad : {
           std::string_view("\x00", 1),                                          // none
           std::string_view("\x0c\0\0\x08\0\1\0\0\0\7\0\0", 12),                 // of type 7
           std::string_view("\x0c\0\0\x0c\0\4\x0f\0\3\x0c\x7f\xff\xff\xff\0", 15),  // a huge list
           std::string_view("\x0c\0\0\x0c\0\4\x0f\0\3\x08\0\0\0\1\0\0\0\0\0\0\0", 21),
       })
    EXPECT_FALSE(DecodeStrategyResult(bad).has_value()) << Hex(bad);
}

}  // namespace
}  // namespace tracestore::codec
