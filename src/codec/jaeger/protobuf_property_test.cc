// Properties of Jaeger's protobuf codec on generated and damaged input, held to protobuf's classes.
#include <gtest/gtest.h>

#include <numeric>

#include "codec/jaeger/protobuf_decoder.h"
#include "codec/jaeger/protobuf_encoder.h"
#include "codec/jaeger/testing/reference_protobuf.h"
#include "codec/testing/arbitrary_batch.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

SpanBatch Arbitrary(std::uint64_t seed, Origin origin = Origin::kJaeger, std::uint32_t spans = 30) {
  ArbitraryOptions options;
  options.origin = origin;
  options.spans = spans;
  options.invalid_utf8 = seed % 3 == 0;
  SpanBatch batch = ArbitraryBatch(seed, options);
  if (origin != Origin::kJaeger) return batch;
  // This format has nanoseconds, and durations of either sign.
  Random random(seed);
  for (model::SpanRecord& span : batch.spans) {
    span.start_ns += random.Below(1000);
    span.duration_ns += random.Below(1000);
    if (random.Percent(10)) span.duration_ns = 0 - span.duration_ns;
  }
  return batch;
}

std::string Encode(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  EncodeJaegerProtobuf(batch, rows, out);
  return out;
}

void ExpectSame(const SpanBatch& a, const SpanBatch& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(SpansEqual(a, a.spans[i], b, b.spans[i])) << "row " << i << "\n"
                                                          << DescribeSpan(a, a.spans[i]) << "\n"
                                                          << DescribeSpan(b, b.spans[i]);
  }
}

TEST(JaegerProtobufProperty, DecodesWhatItEncoded) {
  SilenceJaegerProtobufLog();
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanBatch batch = Arbitrary(seed);
    const std::string bytes = Encode(batch);
    SpanBatch again;
    const auto report = DecodeJaegerProtobuf(bytes, again);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(report->first_error, "");
    ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, again));
    ASSERT_EQ(Encode(again), bytes);
    ASSERT_EQ(CompareJaegerProtobufDecoders(bytes), "");
  }
}

// What Jaeger's format can't say is lost once; from then on nothing changes.
TEST(JaegerProtobufProperty, ConvertsEveryOriginToStableProtobuf) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanBatch batch = Arbitrary(seed, seed % 2 == 0 ? Origin::kOtlp : Origin::kZipkin);
    SpanBatch jaeger, again;
    const auto report = DecodeJaegerProtobuf(Encode(batch), jaeger);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(report->first_error, "");
    ASSERT_EQ(jaeger.size(), batch.size());
    ASSERT_TRUE(DecodeJaegerProtobuf(Encode(jaeger), again).has_value());
    ASSERT_NO_FATAL_FAILURE(ExpectSame(jaeger, again));
  }
}

TEST(JaegerProtobufProperty, LeavesNothingOfATruncation) {
  const std::string bytes = Encode(Arbitrary(7, Origin::kJaeger, 4));
  unsigned refused = 0;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    SpanBatch batch;
    const auto report = DecodeJaegerProtobuf(std::string_view(bytes).substr(0, cut), batch);
    if (report.has_value()) continue;  // an end between two fields is none
    ++refused;
    ASSERT_TRUE(batch.spans.empty() && batch.attributes.empty() && batch.resources.empty());
  }
  EXPECT_EQ(refused, bytes.size() - 1);  // one message: but for the empty one, all of them
}

TEST(JaegerProtobufProperty, AgreesWithProtobufOnDamagedBytes) {
  SilenceJaegerProtobufLog();
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    ArbitraryOptions options;
    options.origin = Origin::kJaeger;
    options.spans = 3;
    std::string bytes = Encode(ArbitraryBatch(seed % 10, options));
    for (std::uint64_t hits = 1 + random.Below(3); hits > 0; --hits) {
      char& byte = bytes[random.Below(bytes.size())];
      byte = static_cast<char>(random.Percent(50) ? random.Below(100) : random.Next());
    }
    ASSERT_EQ(CompareJaegerProtobufDecoders(bytes), "");
  }
}

// Messages in parts, one behind the other, are one, wherever they are cut.
TEST(JaegerProtobufProperty, MergesRequestsAsProtobufDoes) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string bytes = Encode(Arbitrary(3 * seed + 1)) + Encode(Arbitrary(3 * seed + 2));
    ASSERT_EQ(CompareJaegerProtobufDecoders(bytes), "");
  }
}

}  // namespace
}  // namespace tracestore::codec
