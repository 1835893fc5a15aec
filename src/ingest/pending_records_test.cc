#include "ingest/pending_records.h"

#include <gtest/gtest.h>

namespace tracestore::ingest {
namespace {

TEST(PendingRecords, ComeBack) {
  const Decision decision{7, {{{1, 2}, true}, {{3, 4}, false}}};
  const auto read = DecodeDecision(EncodeDecision(decision));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->number, 7u);
  EXPECT_EQ(read->traces, decision.traces);
  EXPECT_EQ(DecodeMoved(EncodeMoved(9)).value(), 9u);
}

// The bytes that docs/format/pending.md shows.
TEST(PendingRecords, AreAsDocumented) {
  EXPECT_EQ(
      EncodeDecision({2, {{{0, 0x11}, true}}}),
      std::string("\x01\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\0\x01", 30));
  EXPECT_EQ(EncodeMoved(2), std::string("\x01\x02\0\0\0\0\0\0\0", 9));
}

TEST(PendingRecords, RefuseEveryTruncationAndWhatIsNewer) {
  const std::string decision = EncodeDecision({7, {{{1, 2}, true}}});
  for (std::size_t size = 0; size < decision.size(); ++size)
    EXPECT_FALSE(DecodeDecision(decision.substr(0, size)).has_value()) << size;
  EXPECT_FALSE(DecodeDecision(decision + "x").has_value());
  const std::string moved = EncodeMoved(1);
  for (std::size_t size = 0; size < moved.size(); ++size)
    EXPECT_FALSE(DecodeMoved(moved.substr(0, size)).has_value()) << size;
  std::string newer = moved;
  newer[0] = 2;
  EXPECT_EQ(DecodeMoved(newer).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(DecodeMoved(newer).error().message(),
            "a decision in the pending log has version 2; this build reads version 1: use a newer "
            "tracestore");
  // A count beyond the bytes takes no memory.
  std::string huge = EncodeDecision({1, {}});
  huge[9] = huge[10] = huge[11] = huge[12] = '\xFF';
  EXPECT_FALSE(DecodeDecision(huge).has_value());
}

}  // namespace
}  // namespace tracestore::ingest
