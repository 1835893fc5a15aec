#include "base/bytes.h"

#include <limits>

#include <gtest/gtest.h>

namespace tracestore::base {
namespace {

TEST(Bytes, VarintsRoundTripAtEveryBitWidth) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {1ULL << bit, (1ULL << bit) - 1, ~0ULL >> bit}) {
      std::string bytes;
      ByteWriter(bytes).Varint(value);
      ByteReader reader(bytes);
      EXPECT_EQ(reader.Varint(), value);
      EXPECT_TRUE(reader.ok() && reader.done());
    }
  }
}

TEST(Bytes, ATruncatedOrOverlongVarintFails) {
  for (const std::string& bytes : {std::string("\x80"), std::string(10, '\xff'), std::string()}) {
    ByteReader reader(bytes);
    EXPECT_EQ(reader.Varint(), 0U);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Bytes, ZigZagKeepsTheEnds) {
  for (const std::int64_t v : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                               std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(UnZigZag(ZigZag(v)), v);
  }
}

TEST(Bytes, CountsAreBoundedByWhatIsLeft) {
  std::string bytes;
  ByteWriter(bytes).Varint(1'000'000);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.Count(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(Bytes, NothingIsReadAfterAFailure) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.U32(), 0U);
  EXPECT_EQ(reader.U8(), 0U);
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace tracestore::base
