// Properties of the Jaeger codec on generated and damaged input.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "codec/jaeger/jaeger_json.h"
#include "codec/json/json_dom.h"
#include "codec/testing/arbitrary_batch.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

// One answer with a trace object for each row: the order of spans is kept.
std::string Encode(const SpanBatch& batch, bool sorted = false) {
  std::string out;
  JsonWriter writer(out);
  writer.BeginObject();
  writer.Key("data");
  writer.BeginArray();
  for (std::uint32_t row = 0; row < batch.size(); ++row)
    WriteJaegerTrace(batch, {&row, 1}, {.sort_tags = sorted, .warnings = {}}, writer);
  writer.EndArray();
  writer.EndObject();
  return out;
}

void ExpectSame(const SpanBatch& a, const SpanBatch& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(SpansEqual(a, a.spans[i], b, b.spans[i]))
        << "row " << i << "\n"
        << DescribeSpan(a, a.spans[i]) << "\n"
        << DescribeSpan(b, b.spans[i]);
  }
}

TEST(JaegerJsonProperty, DecodesWhatItEncoded) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kJaeger;
    const SpanBatch batch = ArbitraryBatch(seed, options);
    const std::string text = Encode(batch);
    SpanBatch again;
    const auto report = DecodeJaegerJson(text, again);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ((*report).first_error, "");
    ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, again));
    ASSERT_EQ(Encode(again), text);
  }
}

TEST(JaegerJsonProperty, PiecesAreTheWhole) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kJaeger;
    const SpanBatch batch = ArbitraryBatch(seed, options);
    std::vector<std::uint32_t> rows(batch.size());
    std::iota(rows.begin(), rows.end(), 0U);
    std::string whole;
    EncodeJaegerTrace(batch, rows, {.sort_tags = true, .warnings = {}}, whole);
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{2000}, whole.size() + 1}) {
      JaegerTraceEncoder encoder(batch, rows, {.sort_tags = true, .warnings = {}});
      std::string text;
      std::size_t pieces = 1;
      while (encoder.Next(bytes, text)) ++pieces;
      EXPECT_EQ(text, whole);
      if (bytes == 1) {
        EXPECT_EQ(pieces, rows.size() + 1);
      }
    }
  }
}

// What Jaeger's format can't say is lost once; from then on nothing changes.
TEST(JaegerJsonProperty, ConvertsEveryOriginToStableJson) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = seed % 2 == 0 ? Origin::kOtlp : Origin::kZipkin;
    options.beyond_origin = seed % 5 == 0;
    options.unknown_fields = seed % 3 == 0;
    options.invalid_utf8 = seed % 7 == 0;
    const SpanBatch batch = ArbitraryBatch(seed, options);
    const std::string text = Encode(batch, seed % 4 == 0);
    SpanBatch jaeger;
    const auto report = DecodeJaegerJson(text, jaeger);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ((*report).first_error, "");
    ASSERT_EQ(jaeger.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ASSERT_EQ(jaeger.spans[i].trace_id, batch.spans[i].trace_id);
      ASSERT_EQ(jaeger.spans[i].span_id, batch.spans[i].span_id);
      ASSERT_EQ(jaeger.spans[i].parent_id, batch.spans[i].parent_id);
    }
    const std::string second = Encode(jaeger);
    SpanBatch again;
    ASSERT_TRUE(DecodeJaegerJson(second, again).has_value());
    ASSERT_NO_FATAL_FAILURE(ExpectSame(jaeger, again));
  }
}

TEST(JaegerJsonProperty, RefusesEveryTruncation) {
  ArbitraryOptions options;
  options.origin = Origin::kJaeger;
  options.spans = 4;
  const std::string text = Encode(ArbitraryBatch(7, options));
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    SpanBatch batch;
    const auto report = DecodeJaegerJson(std::string_view(text).substr(0, cut), batch);
    ASSERT_FALSE(report.has_value()) << cut;
    ASSERT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
    ASSERT_TRUE(batch.spans.empty() && batch.attributes.empty() && batch.resources.empty());
  }
}

TEST(JaegerJsonProperty, BearsDamagedBytes) {
  ArbitraryOptions options;
  options.origin = Origin::kJaeger;
  options.spans = 6;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string text = Encode(ArbitraryBatch(seed % 20, options));
    const std::uint64_t flips = 1 + random.Below(3);
    for (std::uint64_t i = 0; i < flips; ++i) {
      char& byte = text[random.Below(text.size())];
      // Bytes that mean something to JSON break more than random ones.
      byte = random.Percent(50) ? "{}[]\",:0e-ntf\\"[random.Below(14)]
                                : static_cast<char>(byte ^ (1 << random.Below(8)));
    }
    SpanBatch batch;
    const auto report = DecodeJaegerJson(text, batch);
    if (!report.has_value()) {
      ASSERT_TRUE(batch.spans.empty());
      continue;
    }
    ASSERT_EQ((*report).accepted, batch.size());
    SpanBatch again;
    ASSERT_TRUE(DecodeJaegerJson(Encode(batch), again).has_value());
    ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, again));
  }
}

}  // namespace
}  // namespace tracestore::codec
