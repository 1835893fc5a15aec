#include "codec/column/int_stream.h"

#include <algorithm>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "codec/column/column_test_util.h"
#include "codec/column/int_stream_format.h"

namespace tracestore::column {
namespace {

using testing::ArbitraryColumn;
using testing::FromHex;
using testing::Random;
using testing::ToHex;
using Column = std::vector<std::uint64_t>;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

std::string Encoded(const Column& column) {
  std::string out;
  EncodeInts(column, out);
  return out;
}

IntKind KindOf(const std::string& bytes) { return static_cast<IntKind>(bytes.at(0) & 7); }

void ExpectRoundTrip(const Column& column) {
  const std::string bytes = Encoded(column);
  base::ByteReader reader(bytes);
  Column back;
  const Status status = DecodeInts(reader, column.size(), back);
  ASSERT_TRUE(status.has_value()) << status.error().message();
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(back, column);
}

TEST(IntStream, RoundTripsAnyColumnAndRejectsEveryTruncation) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Column column = ArbitraryColumn(seed);
    ExpectRoundTrip(column);
    const std::string bytes = Encoded(column);
    Column back;
    const std::size_t step = 1 + bytes.size() / 200;
    for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
      base::ByteReader reader(std::string_view(bytes).substr(0, cut));
      EXPECT_FALSE(DecodeInts(reader, column.size(), back).has_value());
    }
  }
}

// Any neighbours of a column are what the whole column has there, and `in` is left at its end.
TEST(IntStream, DecodesARangeOfAnyColumn) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Column column = ArbitraryColumn(seed);
    const std::string bytes = Encoded(column);
    Random random(seed);
    for (int i = 0; i < 4; ++i) {
      StreamRange range;
      range.end = random.Below(column.size() + 1);
      range.begin = random.Below(range.end + 1);
      base::ByteReader reader(bytes);
      Column some;
      ASSERT_TRUE(DecodeIntRange(reader, column.size(), range, some).has_value());
      EXPECT_TRUE(reader.done());
      EXPECT_TRUE(std::equal(some.begin(), some.end(),
                             column.begin() + static_cast<long>(range.begin),
                             column.begin() + static_cast<long>(range.end)));
      for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 20) {
        base::ByteReader short_reader(std::string_view(bytes).substr(0, cut));
        EXPECT_FALSE(DecodeIntRange(short_reader, column.size(), range, some).has_value());
      }
    }
    base::ByteReader reader(bytes);
    Column none;
    EXPECT_FALSE(
        DecodeIntRange(reader, column.size(), {0, column.size() + 1}, none).has_value());
  }
}

TEST(IntStream, NeverCrashesOnBitFlips) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Column column = ArbitraryColumn(seed);
    std::string bytes = Encoded(column);
    if (bytes.empty()) continue;
    Random random(seed);
    for (int round = 0; round < 10; ++round) {
      bytes[random.Below(std::min<std::size_t>(bytes.size(), 40))] ^=
          static_cast<char>(1U << random.Below(8));
      base::ByteReader reader(bytes);
      Column back;
      // Well-formed other values are fine; the page's checksum finds those.
      const Status status = DecodeInts(reader, column.size(), back);
      if (status.has_value()) {
        EXPECT_EQ(back.size(), column.size());
      }
    }
  }
}

TEST(IntStream, SurvivesRandomBytes) {
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string bytes;
    const std::size_t size = random.Below(60);
    while (bytes.size() < size) bytes.push_back(static_cast<char>(random.Next()));
    base::ByteReader reader(bytes);
    Column back;
    (void)DecodeInts(reader, random.Below(200), back).has_value();
  }
}

TEST(IntStream, RoundTripsSignedValues) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> column = {0, -1, 1, kLeast, kMost, -500, 77};
  std::string bytes;
  EncodeSignedInts(column, bytes);
  base::ByteReader reader(bytes);
  std::vector<std::int64_t> back;
  ASSERT_TRUE(DecodeSignedInts(reader, column.size(), back).has_value());
  EXPECT_EQ(back, column);
  EXPECT_TRUE(reader.done());
}

TEST(IntStream, MatchesTheExamplesOfTheFormatPage) {
  std::vector<std::pair<Column, std::string>> examples = {
      {{}, ""},
      {{7, 7, 7}, "38"},
      {{300, 300}, "f8 ac 02"},
      {{10, 13, 11, 12}, "11 0a 9c"},
      {{5, 700000, 8}, "03 0a 05 e0 dc 2a 08"},
      {{1000001, 1000002, 1000003, 1000004, 1000005, 1000006, 1000007, 1000008}, "05 c1 84 3d 10"},
      {{3000, 7000, 5000, 4000}, "06 e8 07 19 03 a0 02"},
  };
  examples.push_back({Column(200, 8),
                      "24 c9 01 11 00 00 65 00 00 20 88 88 98 88 02 00 01 12 4e 02 2c"});
  examples.push_back({{1001, 1100, 900, 70001}, "2a 23 20 80 0c 69 26 42 5c 04"});
  examples[7].first[77] = 9;
  for (const auto& [column, hex] : examples) {
    SCOPED_TRACE(hex);
    EXPECT_EQ(ToHex(Encoded(column)), hex);
    EXPECT_TRUE(column.empty() || testing::IsOnFormatPage(hex));
    ExpectRoundTrip(column);
  }
}

TEST(IntStream, ConstantsTakeOneByteOrTheirVarint) {
  EXPECT_EQ(Encoded(Column(1000, 0)).size(), 1U);
  EXPECT_EQ(Encoded(Column(1000, 30)).size(), 1U);
  EXPECT_EQ(Encoded(Column(1000, 31)).size(), 2U);
  EXPECT_EQ(Encoded(Column(1000, kMax)).size(), 11U);
}

TEST(IntStream, RandomIdsTakeEightBytesEach) {
  for (const std::size_t count : {10U, 1000U, 10'000U}) {
    Random random(count);
    Column ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(random.Next());
    ExpectRoundTrip(ids);
    EXPECT_LE(Encoded(ids).size(), count * 8 + 2);
  }
}

TEST(IntStream, SequentialIdsTakeNoBytesEach) {
  Column up;
  Column down;
  Column steps;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    up.push_back(0xFFFFFFFFFFFFFF00ULL + i);  // wraps
    down.push_back(5'000'000'000ULL - i);
    steps.push_back(1'700'000'000'000'000'000ULL + i * 1'000'000);
  }
  for (const Column& column : {up, down, steps}) {
    ExpectRoundTrip(column);
    EXPECT_LE(Encoded(column).size(), 20U);
  }
}

double BucketEntropyBytes(const Column& column) {
  std::map<unsigned, double> histogram;
  double bits = 0;
  for (const std::uint64_t value : column) {
    histogram[BucketSymbol(value)] += 1;
    bits += BucketLowBits(BucketSymbol(value));
  }
  for (const auto& [symbol, count] : histogram) {
    bits += count * std::log2(static_cast<double>(column.size()) / count);
  }
  return bits / 8;
}

TEST(IntStream, DurationsLieWithinThreePercentOfTheirBucketEntropy) {
  for (const std::size_t count : {1000U, 4000U, 16'000U}) {
    for (const double sigma : {0.7, 1.5, 2.5}) {
      Random random(count);
      Column durations;
      for (std::size_t i = 0; i < count; ++i) durations.push_back(random.LogNormal(2e6, sigma));
      ExpectRoundTrip(durations);
      EXPECT_LE(static_cast<double>(Encoded(durations).size()),
                BucketEntropyBytes(durations) * 1.03);
    }
  }
}

TEST(IntStream, MicrosecondsCostNoMoreThanTheirQuotients) {
  Random random(5);
  Column ns;
  Column us;
  for (int i = 0; i < 1000; ++i) {
    us.push_back(random.LogNormal(2e3, 1));
    ns.push_back(us.back() * 1000);
  }
  ExpectRoundTrip(ns);
  EXPECT_LE(Encoded(ns).size(), Encoded(us).size() + 3);
}

TEST(IntStream, AscendingTimesTakeTheirDifferences) {
  Random random(6);
  Column times;
  std::uint64_t now = 1'700'000'000'000'000'000ULL;
  for (int i = 0; i < 1000; ++i) times.push_back(now += random.LogNormal(1e5, 1));
  const std::string bytes = Encoded(times);
  EXPECT_EQ(KindOf(bytes), IntKind::kDelta);
  EXPECT_LE(bytes.size(), 2500U);
}

TEST(IntStream, UniformValuesAreBitPacked) {
  Random random(7);
  Column ports;
  for (int i = 0; i < 1000; ++i) ports.push_back(32768 + random.Below(28000));
  const std::string bytes = Encoded(ports);
  EXPECT_EQ(KindOf(bytes), IntKind::kPacked);
  EXPECT_LE(bytes.size(), 1000U * 15 / 8 + 4);
}

TEST(IntStream, SkewedRanksLieNearTheirEntropy) {
  Random random(8);
  Column ranks;
  for (int i = 0; i < 1000; ++i) {
    std::uint64_t rank = 0;
    while (rank < 200 && random.Below(3) == 0) ++rank;
    ranks.push_back(rank);
  }
  EXPECT_LE(Encoded(ranks).size(), 235U);  // the order-0 entropy is 1.38 bits, 173 bytes
  ExpectRoundTrip(ranks);
}

TEST(IntStream, RepeatedWideValuesAreFoundByTheFrame) {
  Random random(9);
  Column values;
  const Column pattern = {5000, 77'777'777, 123'456, 5000, 99'999'999'999ULL, 1};
  for (int i = 0; i < 200; ++i) values.insert(values.end(), pattern.begin(), pattern.end());
  EXPECT_EQ(KindOf(Encoded(values)), IntKind::kVarints);
  EXPECT_LE(Encoded(values).size(), 80U);
  ExpectRoundTrip(values);
}

TEST(IntStream, RejectsWhatTheFormatForbids) {
  const std::vector<std::pair<std::string, std::size_t>> bad = {
      {"07", 1},                       // unknown kind
      {"0b 02 00", 1},                 // an argument where there is none
      {"1c 02 00", 1},                 // small values of three bits
      {"01 41 00 00", 1},              // width 65
      {"01 00 00", 3},                 // width 0
      {"52 00", 1},                    // unknown form of bucket symbols
      {"4a fc", 1},                    // symbol 252
      {"05 01 05 01 00", 3},           // differences of differences
      {"06 02 06 02 11 00 00", 2},     // scaled twice
      {"04 06 01 02 03", 2},           // three bytes for two values
      {"03 08 01 02 03 04", 3},        // four varints for three values
      {"03 04 01 80", 2},              // a varint cut short inside its frame
  };
  for (const auto& [hex, count] : bad) {
    SCOPED_TRACE(hex);
    const std::string bytes = FromHex(hex);
    base::ByteReader reader(bytes);
    Column back;
    const Status status = DecodeInts(reader, count, back);
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code(), ErrorCode::kCorruption);
  }
}

TEST(LogBucket, CoversEveryExponentExactly) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1,
                                      kMax >> bit, (kMax >> bit) - 1}) {
      const unsigned symbol = BucketSymbol(value);
      ASSERT_LT(symbol, kBucketSymbols);
      EXPECT_LE(BucketBase(symbol), value);
      EXPECT_EQ((value - BucketBase(symbol)) >> BucketLowBits(symbol), 0U);
    }
  }
}

}  // namespace
}  // namespace tracestore::column
