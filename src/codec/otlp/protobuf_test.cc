#include <gtest/gtest.h>

#include <vector>

#include "codec/otlp/otlp_fields.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/otlp/testing/otlp_test_util.h"
#include "codec/wire/wire_reader.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

namespace field = otlp_field;
using std::string_literals::operator""s;

constexpr std::string_view kTrace = "0123456789abcdef";
constexpr std::string_view kSpan = "ABCDEFGH";

// A request of one resource and scope with these spans (encoded messages).
std::string Request(const std::vector<std::string>& spans) {
  std::string out;
  WireWriter wire(out);
  const std::size_t resource = wire.Begin(field::kRequestResourceSpans);
  const std::size_t scope = wire.Begin(field::kResourceSpansScopeSpans);
  for (const std::string& span : spans) wire.BytesAlways(field::kScopeSpansSpans, span);
  wire.End(scope);
  wire.End(resource);
  return out;
}

std::string Span(std::string_view trace, std::string_view span, std::string_view parent = "",
                 std::string_view rest = "") {
  std::string out;
  WireWriter wire(out);
  wire.Bytes(field::kSpanTraceId, trace);
  wire.Bytes(field::kSpanSpanId, span);
  wire.Bytes(field::kSpanParentSpanId, parent);
  wire.Raw(rest);
  return out;
}

std::string Attribute(std::string_view key, std::string_view any_value) {
  std::string out;
  WireWriter wire(out);
  const std::size_t begin = wire.Begin(field::kSpanAttributes);
  wire.Bytes(field::kKeyValueKey, key);
  wire.BytesAlways(field::kKeyValueValue, any_value);
  wire.End(begin);
  return out;
}

// An AnyValue of `depth` arrays, one in the other.
std::string Nested(unsigned depth) {
  std::string value;
  for (unsigned i = 0; i < depth; ++i) {
    std::string list;
    if (i > 0) WireWriter(list).BytesAlways(field::kListValues, value);
    value.clear();
    WireWriter(value).BytesAlways(field::kAnyArray, list);
  }
  return value;
}

TEST(OtlpProtobuf, RoundTripsAnyBatch) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.unknown_fields = true;
    options.invalid_utf8 = true;
    options.spans = 20;
    const model::SpanBatch batch = ArbitraryBatch(seed, options);
    std::string bytes;
    EncodeOtlpProtobuf(batch, bytes);
    model::SpanBatch back;
    const auto report = DecodeOtlpProtobuf(bytes, back);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->accepted, batch.size());
    EXPECT_EQ(report->rejected, 0U);
    ASSERT_NO_FATAL_FAILURE(ExpectSameSpans(batch, back));
    std::string again;
    EncodeOtlpProtobuf(back, again);
    EXPECT_EQ(bytes, again);
  }
}

TEST(OtlpProtobuf, GroupsRowsInTheOrderGiven) {
  const model::SpanBatch batch = ArbitraryBatch(7);
  const std::vector<std::uint32_t> rows{3, 3, 40, 1};
  std::string bytes;
  EncodeOtlpProtobuf(batch, rows, bytes);
  model::SpanBatch back;
  ASSERT_TRUE(DecodeOtlpProtobuf(bytes, back).has_value());
  ASSERT_EQ(back.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_TRUE(model::SpansEqual(batch, batch.spans[rows[i]], back, back.spans[i]));
}

TEST(OtlpProtobuf, EveryTruncationIsRefusedOrReadSafelyAndLeavesTheBatchAsItWas) {
  ArbitraryOptions options;
  options.spans = 3;
  options.unknown_fields = true;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::string bytes;
    EncodeOtlpProtobuf(ArbitraryBatch(seed, options), bytes);
    for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 1000) {
      model::SpanBatch out;
      const auto report = DecodeOtlpProtobuf(std::string(bytes, 0, cut), out);
      if (report.has_value()) continue;  // a cut between two ResourceSpans
      EXPECT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
      EXPECT_TRUE(out.empty() && out.attributes.empty() && out.resources.empty());
    }
  }
}

TEST(OtlpProtobuf, AnyFlippedBitIsReadSafely) {
  ArbitraryOptions options;
  options.spans = 3;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    std::string bytes;
    EncodeOtlpProtobuf(ArbitraryBatch(seed, options), bytes);
    bytes.resize(std::min<std::size_t>(bytes.size(), 700));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      model::SpanBatch out;
      (void)DecodeOtlpProtobuf(flipped, out).has_value();
    }
  }
}

TEST(OtlpProtobuf, NamesTheByteOfAMalformedMessage) {
  model::SpanBatch out;
  const auto report = DecodeOtlpProtobuf("\x0a\x04\x12\x09zz"s, out);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().message(),
            "OTLP message is malformed at byte 4 of 6: a field runs past the end of its message");
}

TEST(OtlpProtobuf, RefusesABadSpanAloneAndSaysWhy) {
  struct Case {
    std::string span;
    std::string sentence;
  };
  const std::vector<Case> cases{
      {Span("short", kSpan), "span 2: trace id is 5 bytes long, not 16"},
      {Span("", kSpan), "span 2: trace id is 0 bytes long, not 16"},
      {Span(std::string(16, '\0'), kSpan), "span 2: trace id is all zeros"},
      {Span(kTrace, "abc"),
       "span 2: span id is 3 bytes long, not 8 (trace 30313233343536373839616263646566)"},
      {Span(kTrace, std::string(8, '\0')),
       "span 2: span id is all zeros (trace 30313233343536373839616263646566)"},
      {Span(kTrace, kSpan, "parent"),
       "span 2: parent span id is 6 bytes long, not 8 (trace 30313233343536373839616263646566)"},
      {Span(kTrace, kSpan, "", Attribute("deep\n", Nested(model::kMaxValueDepth + 1))),
       "span 2: the value of attribute 'deep?' is nested deeper than 48 levels"},
      {Span(kTrace, kSpan, "", "\x6a\x03\x0a\x01x"),
       "span 2: a link's trace id is 1 bytes long, not 16"},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.sentence);
    model::SpanBatch out;
    const auto report =
        DecodeOtlpProtobuf(Request({Span(kTrace, kSpan), bad.span, Span(kTrace, kSpan)}), out);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->accepted, 2U);
    EXPECT_EQ(report->rejected, 1U);
    EXPECT_EQ(report->first_error, bad.sentence);
    EXPECT_EQ(out.size(), 2U);
    EXPECT_TRUE(out.attributes.empty() && out.references.empty());
  }
}

TEST(OtlpProtobuf, KeepsAValueAsDeepAsTheModelAllows) {
  model::SpanBatch out;
  const auto report = DecodeOtlpProtobuf(
      Request({Span(kTrace, kSpan, "", Attribute("k", Nested(model::kMaxValueDepth)))}), out);
  ASSERT_TRUE(report.has_value());
  ASSERT_EQ(report->accepted, 1U) << report->first_error;
  EXPECT_TRUE(model::ValidateValueBlob(
                  out.text(static_cast<model::StringId>(out.attributes[0].bits)), ValueType::kArray)
                  .has_value());
}

TEST(OtlpProtobuf, RefusesAllSpansUnderAResourceThatIsTooDeep) {
  std::string request;
  WireWriter wire(request);
  const std::size_t begin = wire.Begin(field::kRequestResourceSpans);
  std::string attribute = Attribute("deep", Nested(60));
  attribute[0] = static_cast<char>(WireTag(field::kResourceAttributes, kWireBytes));
  wire.BytesAlways(field::kResourceSpansResource, attribute);
  std::string scope;
  WireWriter(scope).BytesAlways(field::kScopeSpansSpans, Span(kTrace, kSpan));
  WireWriter(scope).BytesAlways(field::kScopeSpansSpans, Span(kTrace, kSpan));
  wire.BytesAlways(field::kResourceSpansScopeSpans, scope);
  wire.End(begin);
  request += Request({Span(kTrace, kSpan)});
  model::SpanBatch out;
  const auto report = DecodeOtlpProtobuf(request, out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->accepted, 1U);
  EXPECT_EQ(report->rejected, 2U);
  EXPECT_EQ(report->first_error,
            "span 1: the value of attribute 'deep' is nested deeper than 48 levels");
  EXPECT_EQ(out.resources.size(), 1U);
}

TEST(OtlpProtobuf, KeepsNumbersOfLaterVersionsOfTheProtocol) {
  // Kind 9 and status code 7, and a field 30 of the span.
  const std::string request =
      Request({Span(kTrace, kSpan, "", "\x30\x09\x7a\x02\x18\x07\xf0\x01\x05")});
  model::SpanBatch out;
  ASSERT_TRUE(DecodeOtlpProtobuf(request, out).has_value());
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out.spans[0].kind, SpanKind::kUnspecified);
  EXPECT_EQ(out.spans[0].status, StatusCode::kUnset);
  EXPECT_EQ(out.text(out.spans[0].unknown_fields), "\xf0\x01\x05\x30\x09\x7a\x02\x18\x07");
  std::string bytes;
  EncodeOtlpProtobuf(out, bytes);
  model::SpanBatch back;
  ASSERT_TRUE(DecodeOtlpProtobuf(bytes, back).has_value());
  ExpectSameSpans(out, back);
}

TEST(OtlpProtobuf, RefusesAMessageOverTheLimitUnread) {
  model::SpanBatch out;
  const auto report = DecodeOtlpProtobuf(std::string(11, 'x'), out, {.max_message_bytes = 10});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().message(), "OTLP message of 11 bytes is longer than the limit of 10");
}

TEST(OtlpProtobuf, SaysOnceWhatJaegerSaysTwice) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kJaeger;
    const model::SpanBatch batch = ArbitraryBatch(seed, options);
    std::string bytes;
    EncodeOtlpProtobuf(batch, bytes);
    model::SpanBatch back;
    ASSERT_TRUE(DecodeOtlpProtobuf(bytes, back).has_value());
    ASSERT_EQ(batch.size(), back.size());
    for (std::size_t row = 0; row < batch.size(); ++row) {
      const model::SpanRecord& was = batch.spans[row];
      const model::SpanRecord& is = back.spans[row];
      EXPECT_EQ(was.kind, is.kind);
      EXPECT_EQ(was.status, is.status);
      EXPECT_EQ(was.parent_id, is.parent_id);
      EXPECT_EQ(was.references.count, is.references.count);
      EXPECT_EQ(model::ServiceOf(batch, was), model::ServiceOf(back, is));
      const std::uint32_t said_twice = was.kind == SpanKind::kUnspecified ? 0 : 1;
      EXPECT_EQ(was.attributes.count - said_twice, is.attributes.count);
      EXPECT_EQ(model::FindString(back, is.attributes, "span.kind"), nullptr);
      for (std::uint32_t i = 0; i < was.events.count; ++i) {
        const model::EventRecord& event = batch.events[was.events.begin + i];
        const bool named = model::FindString(batch, event.attributes, "event") != nullptr;
        EXPECT_EQ(event.attributes.count - (named ? 1 : 0),
                  back.events[is.events.begin + i].attributes.count);
      }
      for (std::uint32_t i = 0; i < was.references.count; ++i) {
        const model::Range range = back.references[is.references.begin + i].attributes;
        const model::Attribute* type = model::FindString(back, range, "opentracing.ref_type");
        ASSERT_NE(type, nullptr);
        EXPECT_EQ(back.text(static_cast<model::StringId>(type->bits)),
                  batch.references[was.references.begin + i].type == ReferenceType::kChildOf
                      ? "child_of"
                      : "follows_from");
      }
    }
  }
}

TEST(OtlpProtobuf, ZipkinsFieldsBecomePlainAttributes) {
  ArbitraryOptions options;
  options.origin = Origin::kZipkin;
  const model::SpanBatch batch = ArbitraryBatch(3, options);
  std::string bytes;
  EncodeOtlpProtobuf(batch, bytes);
  model::SpanBatch back;
  ASSERT_TRUE(DecodeOtlpProtobuf(bytes, back).has_value());
  ASSERT_EQ(batch.size(), back.size());
  for (std::size_t row = 0; row < batch.size(); ++row) {
    EXPECT_EQ(batch.spans[row].attributes.count, back.spans[row].attributes.count);
    EXPECT_EQ(model::ServiceOf(batch, batch.spans[row]), model::ServiceOf(back, back.spans[row]));
  }
  for (const model::Attribute& attribute : back.attributes) EXPECT_FALSE(attribute.synthetic());
}

}  // namespace
}  // namespace tracestore::codec
