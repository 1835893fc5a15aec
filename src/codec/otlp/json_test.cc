#include <gtest/gtest.h>

#include <limits>

#include "codec/json/json_error.h"
#include "codec/otlp/json_decoder.h"
#include "codec/otlp/json_encoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/otlp/testing/otlp_test_util.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

std::string Request(const std::string& spans) {
  return R"({"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[)" + spans + "]}]}]}";
}

constexpr const char* kIds =
    R"("traceId":"5B8EFFF798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174")";

std::string Span(const std::string& rest) { return "{" + std::string(kIds) + rest + "}"; }

// The one span of a request that must be right.
model::SpanBatch Decode(const std::string& span) {
  model::SpanBatch out;
  const auto report = DecodeOtlpJson(Request(span), out);
  EXPECT_TRUE(report.has_value()) << report.error().message();
  if (report.has_value()) {
    EXPECT_EQ(report->accepted, 1U) << report->first_error;
  }
  return out;
}

TEST(OtlpJson, RoundTripsAnyBatch) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.spans = 20;
    const model::SpanBatch batch = ArbitraryBatch(seed, options);
    std::string text;
    EncodeOtlpJson(batch, text);
    ASSERT_FALSE(FindJsonError(text).has_value());
    ASSERT_EQ(text.find('\n'), std::string::npos);
    model::SpanBatch back;
    const auto report = DecodeOtlpJson(text, back);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->rejected, 0U) << report->first_error;
    ASSERT_NO_FATAL_FAILURE(ExpectSameSpans(batch, back));
  }
}

// The conversions of both encoders are the same.
TEST(OtlpJson, SaysOfOtherFormatsSpansWhatProtobufSays) {
  for (const Origin origin : {Origin::kJaeger, Origin::kZipkin}) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      ArbitraryOptions options;
      options.origin = origin;
      const model::SpanBatch batch = ArbitraryBatch(seed, options);
      std::string text;
      EncodeOtlpJson(batch, text);
      std::string bytes;
      EncodeOtlpProtobuf(batch, bytes);
      model::SpanBatch from_text;
      model::SpanBatch from_bytes;
      ASSERT_TRUE(DecodeOtlpJson(text, from_text).has_value());
      ASSERT_TRUE(DecodeOtlpProtobuf(bytes, from_bytes).has_value());
      ASSERT_NO_FATAL_FAILURE(ExpectSameSpans(from_bytes, from_text));
    }
  }
}

TEST(OtlpJson, ReadsBothSpellingsOfKeysAndEveryFormOfValues) {
  const model::SpanBatch camel = Decode(Span(
      R"(,"parentSpanId":"","name":"n","kind":"SPAN_KIND_SERVER",
      "startTimeUnixNano":"1544712660000000000",
      "endTimeUnixNano":18446744073709551615,"flags":257,"traceState":"a=b","unknown":{"x":[1]},
      "droppedLinksCount":"3","status":{"code":"STATUS_CODE_ERROR","message":"bad"},
      "attributes":[{"key":"i","value":{"intValue":-5}},
      {"key":"j","value":{"intValue":"9223372036854775807"}},
      {"key":"d","value":{"doubleValue":"NaN"}},
      {"key":"e","value":{"doubleValue":100000000000000000000000}},
      {"key":"y","value":{"bytesValue":"_-8"}},{"key":"n","value":null},{"key":"m"},
      {"value":{"stringValue":"no key"}},{"key":"b","value":{"boolValue":"true"}}],
      "links":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002"}],
      "events":null)"));
  const model::SpanBatch snake = Decode(Span(
      R"(,"name":"n","kind":2,"start_time_unix_nano":1544712660000000000,
      "end_time_unix_nano":"18446744073709551615","flags":"257","trace_state":"a=b",
      "dropped_links_count":3,"status":{"code":2,"message":"bad"},"parent_span_id":null,
      "attributes":[{"key":"i","value":{"int_value":"-5"}},
      {"key":"j","value":{"int_value":9223372036854775807}},
      {"key":"d","value":{"double_value":"NaN"}},{"key":"e","value":{"double_value":1e23}},
      {"key":"y","value":{"bytes_value":"/+8="}},{"key":"n","value":{}},{"key":"m"},
      {"key":null,"value":{"string_value":"no key"}},{"key":"b","value":{"bool_value":true}}],
      "links":[{"trace_id":"00000000000000000000000000000001","span_id":"0000000000000002"}])"));
  ExpectSameSpans(camel, snake);
  const model::SpanRecord& span = camel.spans[0];
  EXPECT_EQ(span.trace_id.ToHex(), "5b8efff798038103d269b633813fc60c");
  EXPECT_EQ(span.kind, SpanKind::kServer);
  EXPECT_EQ(span.status, StatusCode::kError);
  EXPECT_EQ(span.end_ns(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(span.attributes.count, 9U);
}

TEST(OtlpJson, RefusesABadSpanAloneAndSaysWhy) {
  struct Case {
    std::string span;
    std::string sentence;
  };
  const std::string of_trace = " (trace 5b8efff798038103d269b633813fc60c)";
  const std::vector<Case> cases{
      {R"({"traceId":"xyz"})", "trace id 'xyz' is not 32 hexadecimal digits"},
      {R"({})", "trace id is absent"},
      {R"({"traceId":"00000000000000000000000000000000"})", "trace id is all zeros"},
      {R"({"traceId":12})", "trace id is a number, not a string"},
      {R"({"traceId":"5b8efff798038103d269b633813fc60c","spanId":"xyz"})",
       "span id 'xyz' is not 16 hexadecimal digits" + of_trace},
      {R"({"traceId":"5b8efff798038103d269b633813fc60c"})", "span id is absent" + of_trace},
      {Span(R"(,"parentSpanId":"12")"),
       "parent span id '12' is not 16 hexadecimal digits" + of_trace},
      {Span(R"(,"kind":"SPAN_KIND_NEW")"), "kind 'SPAN_KIND_NEW' is unknown"},
      {Span(R"(,"startTimeUnixNano":-1)"),
       "startTimeUnixNano is a number, not a whole number from 0 to 2^64 - 1"},
      {Span(R"(,"attributes":{"a":1})"), "attributes is an object, not a list"},
      {Span(R"(,"attributes":[{"key":"k","value":{"intValue":"1.5"}}])"),
       "the value of attribute 'k' is a string, not a whole number of 64 bits"},
      {Span(R"(,"attributes":[{"key":"k","value":"plain"}])"),
       "the value of attribute 'k' is a string, not an object"},
      {Span(R"(,"attributes":[{"key":"k","value":{"bytesValue":"*"}}])"),
       "the value of attribute 'k' is a string, not base64"},
      {Span(R"(,"links":[{"traceId":"1"}])"), "a link's trace id '1' is not 32 hexadecimal digits"},
      {"7", "the span is a number, not an object"},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.sentence);
    model::SpanBatch out;
    const auto report = DecodeOtlpJson(Request(Span("") + "," + bad.span + "," + Span("")), out);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->accepted, 2U);
    EXPECT_EQ(report->rejected, 1U);
    EXPECT_EQ(report->first_error, "span 2: " + bad.sentence);
    EXPECT_EQ(out.size(), 2U);
    EXPECT_TRUE(out.attributes.empty() && out.references.empty());
  }
}

std::string Nested(unsigned depth) {
  std::string begin;
  std::string end;
  for (unsigned i = 0; i < depth; ++i) {
    begin += R"({"arrayValue":{"values":[)";
    end += "]}}";
  }
  return begin + R"({"intValue":"1"})" + end;
}

TEST(OtlpJson, BoundsTheDepthOfValues) {
  const auto deep = [](unsigned depth) {
    return Request(Span(R"(,"attributes":[{"key":"k","value":)" + Nested(depth) + "}]"));
  };
  model::SpanBatch out;
  EXPECT_EQ(DecodeOtlpJson(deep(model::kMaxValueDepth), out)->accepted, 1U);
  const auto report = DecodeOtlpJson(deep(model::kMaxValueDepth + 1), out);
  EXPECT_EQ(report->rejected, 1U);
  EXPECT_EQ(report->first_error,
            "span 1: the value of attribute 'k' is nested deeper than 48 levels");
  EXPECT_FALSE(DecodeOtlpJson(deep(10000), out).has_value());
  EXPECT_EQ(out.size(), 1U);
}

TEST(OtlpJson, RefusesTheSpansOfABadResourceOrScopeAlone) {
  const std::string spans = Span("") + "," + Span("");
  const std::string text =
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"boolValue":7}}]},)"
      R"("scopeSpans":[{"spans":[)" +
      spans + R"(]}]},{"scopeSpans":[{"scope":{"name":5},"spans":[)" + spans + R"(]},{"spans":[)" +
      spans + "]}]}]}";
  model::SpanBatch out;
  const auto report = DecodeOtlpJson(text, out);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->accepted, 2U);
  EXPECT_EQ(report->rejected, 4U);
  EXPECT_EQ(report->rejected_roots, 0U);  // they weren't looked at
  EXPECT_EQ(report->first_error, "span 1: the value of attribute 'k' is a number, not a boolean");
  EXPECT_EQ(out.resources.size(), 1U);
  EXPECT_EQ(out.scopes.size(), 1U);
}

TEST(OtlpJson, NamesTheByteOrTheFieldOfARequestThatIsNone) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "not JSON: unexpected end at byte 0"},
      {R"({"resourceSpans":[}])", "not JSON: unexpected '}' at byte 18"},
      {"[]", "OTLP JSON: the request is a list, not an object"},
      {R"({"resourceSpans":{}})", "OTLP JSON: resourceSpans is an object, not a list"},
      {R"({"resourceSpans":[{"scopeSpans":7}]})", "OTLP JSON: scopeSpans is a number, not a list"},
      {R"({"resourceSpans":[{"scopeSpans":[{"spans":"x"}]}]})",
       "OTLP JSON: spans is a string, not a list"}};
  for (const auto& [text, message] : cases) {
    model::SpanBatch out;
    const auto report = DecodeOtlpJson(text, out);
    ASSERT_FALSE(report.has_value()) << text;
    EXPECT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(report.error().message(), message);
    EXPECT_TRUE(out.resources.empty());
  }
}

TEST(OtlpJson, MendsTextsThatAreNone) {
  const std::string request = Request(Span(",\"name\":\"a\xFF\\ud800\tb\""));
  model::SpanBatch out;
  auto report = DecodeOtlpJson(request, out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->mended_texts, 1U);
  EXPECT_EQ(out.text(out.spans[0].name), "a\xEF\xBF\xBD\xEF\xBF\xBD\tb");
  report = DecodeOtlpJsonLines(request + "\n" + Request(Span("")) + "\n" + request, out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->mended_texts, 2U);
}

TEST(OtlpJson, ReadsOneRequestALineAndNamesTheBadOne) {
  model::SpanBatch out;
  const std::string good = Request(Span(""));
  auto report = DecodeOtlpJsonLines(good + "\n\r\n" + good + "\r\n{}\n" + good, out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->accepted, 3U);
  EXPECT_EQ(out.size(), 3U);
  report = DecodeOtlpJsonLines(good + "\n\n" + good.substr(0, 30), out);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().message(), "line 3: not JSON: unexpected end at byte 30");
  EXPECT_EQ(out.size(), 3U);
}

TEST(OtlpJson, ADamagedValueLeavesBothEncodingsWellFormed) {
  using std::string_literals::operator""s;
  for (const std::string& blob : {"\x08\x01k"s, "\x08\x01k\x06\x07\x08\x01q"s, "\x08\x01k\x03"s,
                                  "\xff"s, "\x08\x01k\x06\x02\x0f\x08\x09"s}) {
    model::SpanBatch batch = Decode(Span(""));
    batch.spans[0].attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 1};
    batch.AddBlob(batch.strings.Intern("k"), ValueType::kMap, blob);
    std::string text;
    EncodeOtlpJson(batch, text);
    model::SpanBatch back;
    const auto from_text = DecodeOtlpJson(text, back);
    ASSERT_TRUE(from_text.has_value()) << text << from_text.error().message();
    EXPECT_EQ(from_text->accepted, 1U);
    std::string bytes;
    EncodeOtlpProtobuf(batch, bytes);
    const auto from_bytes = DecodeOtlpProtobuf(bytes, back);
    ASSERT_TRUE(from_bytes.has_value()) << from_bytes.error().message();
    EXPECT_EQ(from_bytes->accepted, 1U);
    EXPECT_TRUE(model::SpansEqual(back, back.spans[0], back, back.spans[1]))
        << DescribeSpan(back, back.spans[0]) << DescribeSpan(back, back.spans[1]);
  }
}

TEST(OtlpJson, EveryTruncationAndFlippedByteIsReadSafely) {
  ArbitraryOptions options;
  options.spans = 2;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::string text;
    EncodeOtlpJson(ArbitraryBatch(seed, options), text);
    Random random(seed);
    for (int i = 0; i < 600; ++i) {
      model::SpanBatch out;
      EXPECT_FALSE(DecodeOtlpJson(text.substr(0, random.Below(text.size())), out).has_value());
      EXPECT_TRUE(out.empty());
      std::string flipped = text;
      flipped[random.Below(text.size())] = static_cast<char>(random.Next());
      (void)DecodeOtlpJson(flipped, out).has_value();
    }
  }
}

}  // namespace
}  // namespace tracestore::codec
