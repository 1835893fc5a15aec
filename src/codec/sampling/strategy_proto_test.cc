#include "codec/sampling/strategy_proto.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/sampling/strategy_test_support.h"

namespace tracestore::codec {
namespace {

TEST(StrategyProto, GivesTheBytesOfTheDefinition) {
  EXPECT_EQ(EncodeStrategyRequest("fe"),
            "\x0A\x02"
            "fe");
  EXPECT_EQ(EncodeStrategyRequest(""), "");
  SamplingStrategy half;
  half.probability = 0.5;
  EXPECT_EQ(Hex(EncodeStrategyResponse(half)), "120909000000000000e03f");
  SamplingStrategy never;
  never.probability = 0;
  EXPECT_EQ(Hex(EncodeStrategyResponse(never)), "1200");
  SamplingStrategy limited;
  limited.type = StrategyType::kRateLimiting;
  limited.traces_per_second = 5;
  EXPECT_EQ(Hex(EncodeStrategyResponse(limited)), "08011a020805");
  SamplingStrategy operations;
  operations.operations = OperationStrategies{1, 0, 0, {{"op", 1}}};
  EXPECT_EQ(Hex(EncodeStrategyResponse(operations)),
            "221a09000000000000f03f1a0f0a026f70120909000000000000f03f");
}

TEST(StrategyProto, ReadsBackWhatItWrote) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SamplingStrategy strategy = ArbitraryStrategy<std::int32_t>(seed);
    const std::string bytes = EncodeStrategyResponse(strategy);
    const auto again = DecodeStrategyResponse(bytes);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, strategy);
    // A field more, of any type, is passed over.
    EXPECT_TRUE(DecodeStrategyResponse(bytes + "\x78\x01\x7A\x01z\x7D"
                                               "1234\x79"
                                               "12345678")
                    .has_value());
    const auto service = DecodeStrategyRequest(EncodeStrategyRequest("s" + std::to_string(seed)));
    ASSERT_TRUE(service.has_value());
    EXPECT_EQ(*service, "s" + std::to_string(seed));
  }
}

TEST(StrategyProto, TruncationsAreRefusedOrWholeFields) {
  SamplingStrategy strategy;
  strategy.operations = OperationStrategies{0.25, 0.5, 0.75, {{"op", 0.5}, {"other", 1}}};
  const std::string bytes = EncodeStrategyResponse(strategy);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut)
    EXPECT_FALSE(DecodeStrategyResponse(std::string_view(bytes).substr(0, cut)).has_value());
}

TEST(StrategyProto, RefusesBrokenBytes) {
  for (const std::string_view bad :
       {std::string_view("\x08\x02", 2), std::string_view("\x0B", 1),
        std::string_view("\x00\x01", 2), std::string_view("\x12\xFF\xFF\xFF\xFF\x0F", 6),
        std::string_view("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12)})
    EXPECT_FALSE(DecodeStrategyResponse(bad).has_value()) << Hex(bad);
  EXPECT_FALSE(DecodeStrategyRequest("\x0A\x05x").has_value());
}

}  // namespace
}  // namespace tracestore::codec
