#include <gtest/gtest.h>

#include <numeric>

#include "codec/testing/arbitrary_batch.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_v1_json.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

std::vector<std::uint32_t> AllRows(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

std::string Json(const SpanBatch& batch) {
  std::string out;
  EncodeZipkinSpans(batch, AllRows(batch), out);
  return out;
}

std::string ToV1(const std::string& v2) {
  SpanBatch batch;
  EXPECT_TRUE(DecodeZipkinJson(v2, batch).has_value());
  std::string out;
  EncodeZipkinV1Json(batch, AllRows(batch), out);
  return out;
}

// The version 2 spans of a version 1 list, or Zipkin's refusal.
std::string ToV2(const std::string& v1) {
  SpanBatch batch;
  const auto report = DecodeZipkinV1Json(v1, batch, {.strict = true});
  return report.has_value() ? Json(batch) : report.error().message();
}

constexpr const char* kIds = R"("traceId":"000000000000000a","id":"000000000000000b")";
constexpr const char* kFront = R"("endpoint":{"serviceName":"front","ipv4":"10.0.0.1"})";
constexpr const char* kBack = R"("endpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80})";
constexpr const char* kLocalFront = R"("localEndpoint":{"serviceName":"front","ipv4":"10.0.0.1"})";
constexpr const char* kLocalBack =
    R"("localEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80})";

std::string At(int timestamp, const std::string& value, const char* endpoint) {
  return R"({"timestamp":)" + std::to_string(timestamp) + R"(,"value":")" + value + "\"" +
         (endpoint == nullptr ? "" : std::string(",") + endpoint) + "}";
}
std::string Address(const std::string& key, const char* endpoint) {
  return R"({"key":")" + key + R"(","value":true,)" + endpoint + "}";
}
std::string Span(const std::string& fields) { return std::string("[{") + kIds + fields + "}]"; }
std::string Annotated(const std::string& fields, const std::string& annotations,
                      const std::string& binaries = "") {
  return Span(fields + R"(,"annotations":[)" + annotations + R"(],"binaryAnnotations":[)" +
              binaries + "]");
}
// A version 2 span with those fields between the ids and the end.
std::string V2(const std::string& fields) { return std::string("{") + kIds + "," + fields + "}"; }
std::string List(const std::string& a, const std::string& b = "") {
  return "[" + a + (b.empty() ? "" : "," + b) + "]";
}

TEST(ZipkinV1, ASideBecomesASpanOfItsKind) {
  EXPECT_EQ(
      ToV2(Annotated(R"(,"name":"Get","timestamp":5,"duration":4)",
                     At(5, "cs", kFront) + "," + At(7, "foo", kFront) + "," + At(9, "cr", kFront),
                     Address("sa", kBack))),
      List(V2(std::string(R"("kind":"CLIENT","name":"get","timestamp":5,"duration":4,)") +
              kLocalFront +
              R"(,"remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80},)"
              R"("annotations":[{"timestamp":7,"value":"foo"}])")));
  EXPECT_EQ(ToV2(Annotated(R"(,"timestamp":5,"duration":4)",
                           At(5, "sr", kBack) + "," + At(9, "ss", kBack), Address("ca", kFront))),
            List(V2(std::string(R"("kind":"SERVER","timestamp":5,"duration":4,)") + kLocalBack +
                    R"(,"remoteEndpoint":{"serviceName":"front","ipv4":"10.0.0.1"})")));
  EXPECT_EQ(
      ToV2(Annotated("", At(5, "ms", kFront) + "," + At(6, "ws", kFront), Address("ma", kBack))),
      List(V2(std::string(R"("kind":"PRODUCER","timestamp":5,"duration":1,)") + kLocalFront +
              R"(,"remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80})")));
  EXPECT_EQ(
      ToV2(Annotated("", At(5, "wr", kFront) + "," + At(8, "mr", kFront))),
      List(V2(std::string(R"("kind":"CONSUMER","timestamp":5,"duration":3,)") + kLocalFront)));
}

TEST(ZipkinV1, TimesOfTheSpanWinOverThoseOfAnnotations) {
  const std::string both = At(5, "cs", kFront) + "," + At(9, "cr", kFront);
  EXPECT_EQ(ToV2(Annotated("", both)),
            List(V2(std::string(R"("kind":"CLIENT","timestamp":5,"duration":4,)") + kLocalFront)));
  EXPECT_EQ(ToV2(Annotated(R"(,"timestamp":4,"duration":10)", both)),
            List(V2(std::string(R"("kind":"CLIENT","timestamp":4,"duration":10,)") + kLocalFront)));
  // An end before its start is no duration.
  EXPECT_EQ(ToV2(Annotated("", At(9, "cs", kFront) + "," + At(5, "cr", kFront))),
            List(V2(std::string(R"("kind":"CLIENT","timestamp":9,)") + kLocalFront)));
}

TEST(ZipkinV1, ASharedSpanBecomesTwo) {
  const std::string all = At(1, "cs", kFront) + "," + At(2, "sr", kBack) + "," +
                          At(3, "ss", kBack) + "," + At(5, "cr", kFront);
  EXPECT_EQ(ToV2(Annotated(R"(,"timestamp":1,"duration":4)", all)),
            List(V2(std::string(R"("kind":"CLIENT","timestamp":1,"duration":4,)") + kLocalFront),
                 V2(std::string(R"("kind":"SERVER","timestamp":2,"duration":1,)") + kLocalBack +
                    R"(,"shared":true)")));
  // A service that calls itself is two spans, too.
  const std::string self = At(1, "cs", kBack) + "," + At(2, "sr", kBack) + "," +
                           At(3, "ss", kBack) + "," + At(5, "cr", kBack);
  EXPECT_EQ(ToV2(Annotated("", self)),
            List(V2(std::string(R"("kind":"CLIENT","timestamp":1,"duration":4,)") + kLocalBack),
                 V2(std::string(R"("kind":"SERVER","timestamp":2,"duration":1,)") + kLocalBack +
                    R"(,"shared":true)")));
  // One-way: no duration for either.
  EXPECT_EQ(ToV2(Annotated("", At(1, "cs", kFront) + "," + At(2, "sr", kBack))),
            List(V2(std::string(R"("kind":"CLIENT","timestamp":1,)") + kLocalFront),
                 V2(std::string(R"("kind":"SERVER","timestamp":2,)") + kLocalBack +
                    R"(,"shared":true)")));
  EXPECT_EQ(ToV2(Annotated("", At(1, "ms", kFront) + "," + At(2, "mr", kBack))),
            List(V2(std::string(R"("kind":"PRODUCER","timestamp":1,)") + kLocalFront),
                 V2(std::string(R"("kind":"CONSUMER","timestamp":2,)") + kLocalBack +
                    R"(,"shared":true)")));
}

TEST(ZipkinV1, BothSidesOfAMessageAreTwoSpans) {
  const auto both = [](const char* producer, const char* consumer, bool timed,
                       const std::string& address = "") {
    const std::string inner = At(2, "ws", producer) + "," + At(3, "wr", consumer) + ",";
    return ToV2(Annotated(
        "", At(1, "ms", producer) + "," + (timed ? inner : "") + At(5, "mr", consumer), address));
  };
  const auto spans = [](const std::string& sent, const std::string& received, const char* consumer,
                        const std::string& remote = "") {
    return List(V2(R"("kind":"PRODUCER",)" + sent + kLocalFront + remote),
                V2(R"("kind":"CONSUMER",)" + received + consumer + remote + R"(,"shared":true)"));
  };
  // What each took for it is its duration.
  const std::string sent = R"("timestamp":1,"duration":1,)";
  const std::string received = R"("timestamp":3,"duration":2,)";
  EXPECT_EQ(both(kFront, kBack, true), spans(sent, received, kLocalBack));
  // A service that sends to itself.
  EXPECT_EQ(both(kFront, kFront, true), spans(sent, received, kLocalFront));
  const std::string untimed_sent = R"("timestamp":1,)", untimed_received = R"("timestamp":5,)";
  EXPECT_EQ(both(kFront, kFront, false), spans(untimed_sent, untimed_received, kLocalFront));
  // The broker is the other end of both.
  EXPECT_EQ(both(kFront, kBack, false, Address("ma", R"("endpoint":{"serviceName":"kafka"})")),
            spans(untimed_sent, untimed_received, kLocalBack,
                  R"(,"remoteEndpoint":{"serviceName":"kafka"})"));
}

TEST(ZipkinV1, AConsumersBroker) {
  const std::string remote =
      R"(,"remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80})";
  EXPECT_EQ(ToV2(Annotated("", At(5, "mr", kFront), Address("ma", kBack))),
            List(V2(R"("kind":"CONSUMER","timestamp":5,)" + (kLocalFront + remote))));
  EXPECT_EQ(
      ToV2(Annotated("", At(3, "wr", kFront) + "," + At(5, "mr", kFront), Address("ma", kBack))),
      List(V2(R"("kind":"CONSUMER","timestamp":3,"duration":2,)" + (kLocalFront + remote))));
}

TEST(ZipkinV1, IdsAndAddressesComeToNormalForm) {
  const std::string bare = List(std::string("{") + kIds + "}");
  for (const char* parent : {"0000000000000000", "0", "b"})
    EXPECT_EQ(ToV2(Span(R"(,"parentId":")" + std::string(parent) + "\"")), bare) << parent;
  for (const char* ipv6 : {"::1.2.3.4", "::ffff:1.2.3.4"}) {
    const std::string endpoint = R"("endpoint":{"ipv6":")" + std::string(ipv6) + "\"}";
    EXPECT_EQ(ToV2(Annotated("", At(5, "a", endpoint.c_str()))),
              List(V2(R"("localEndpoint":{"ipv4":"1.2.3.4"},)"
                      R"("annotations":[{"timestamp":5,"value":"a"}])")));
  }
}

TEST(ZipkinV1, AServerThatTellsNoTimeOfTheSpanSharesIt) {
  const std::string side = At(5, "sr", kBack) + "," + At(9, "ss", kBack);
  const std::string shared = List(V2(std::string(R"("kind":"SERVER","timestamp":5,"duration":4,)") +
                                     kLocalBack + R"(,"shared":true)"));
  EXPECT_EQ(ToV2(Annotated("", side)), shared);
  EXPECT_EQ(ToV2(Annotated(R"(,"timestamp":5)", side)), shared);
}

TEST(ZipkinV1, AnIncompleteCallKeepsItsEndAsAnAnnotation) {
  EXPECT_EQ(ToV2(Annotated("", At(9, "cr", kFront))),
            List(V2(std::string(R"("kind":"CLIENT",)") + kLocalFront +
                    R"(,"annotations":[{"timestamp":9,"value":"cr"}])")));
  EXPECT_EQ(ToV2(Annotated("", At(9, "ss", kBack))),
            List(V2(std::string(R"("kind":"SERVER",)") + kLocalBack +
                    R"(,"annotations":[{"timestamp":9,"value":"ss"}])")));
  // The start is known where the span's own times end with it.
  EXPECT_EQ(ToV2(Annotated(R"(,"timestamp":4,"duration":5)", At(9, "cr", kFront))),
            List(V2(std::string(R"("kind":"CLIENT","timestamp":4,"duration":5,)") + kLocalFront)));
  EXPECT_EQ(ToV2(Annotated(R"(,"timestamp":4,"duration":5)", At(9, "ss", kBack))),
            List(V2(std::string(R"("kind":"SERVER","timestamp":4,"duration":5,)") + kLocalBack)));
  EXPECT_EQ(
      ToV2(Annotated("", At(5, "ws", kFront))),
      List(V2(std::string(kLocalFront) + R"(,"annotations":[{"timestamp":5,"value":"ws"}])")));
}

TEST(ZipkinV1, CoreAnnotationsNeedAnEndpoint) {
  EXPECT_EQ(
      ToV2(Annotated("", At(5, "cs", nullptr) + "," + At(9, "cr", R"("endpoint":{})"))),
      List(V2(R"("annotations":[{"timestamp":5,"value":"cs"},{"timestamp":9,"value":"cr"}])")));
}

TEST(ZipkinV1, AddressesWithoutCoreAnnotations) {
  EXPECT_EQ(ToV2(Annotated("", "", Address("ca", kFront) + "," + Address("sa", kBack))),
            List(V2(std::string(kLocalFront) +
                    R"(,"remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80})")));
  EXPECT_EQ(ToV2(Annotated("", "", Address("sa", kBack))),
            List(V2(R"("remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80})")));
  EXPECT_EQ(ToV2(Annotated("", "", Address("ca", kFront))),
            List(V2(R"("kind":"SERVER","remoteEndpoint":{"serviceName":"front",)"
                    R"("ipv4":"10.0.0.1"})")));
  // The client's socket under the server's own name: no loop.
  EXPECT_EQ(ToV2(Annotated(R"(,"timestamp":1,"duration":2)",
                           At(1, "sr", kBack) + "," + At(3, "ss", kBack),
                           Address("ca", R"("endpoint":{"serviceName":"back","ipv4":"9.9.9.9"})"))),
            List(V2(std::string(R"("kind":"SERVER","timestamp":1,"duration":2,)") + kLocalBack +
                    R"(,"remoteEndpoint":{"ipv4":"9.9.9.9"})")));
  // A false one and one without an endpoint say nothing.
  EXPECT_EQ(ToV2(Annotated("", "",
                           R"({"key":"sa","value":false,)" + std::string(kBack) +
                               R"(},{"key":"ca","value":true})")),
            List(std::string("{") + kIds + "}"));
}

// As zipkin-ruby sends them, with the text "1".
TEST(ZipkinV1, AnAddressMayHaveAnyText) {
  const auto with = [](const std::string& key, const std::string& value, const char* endpoint) {
    return R"({"key":")" + key + R"(","value":)" + value + (endpoint == nullptr ? "" : ",") +
           (endpoint == nullptr ? "" : endpoint) + "}";
  };
  const std::string bare = List(std::string("{") + kIds + "}");
  const std::string back = R"("remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80})";
  for (const char* text : {R"("")", R"("1")", R"("true")", R"("false")", R"("x")"}) {
    EXPECT_EQ(ToV2(Annotated("", "", with("sa", text, kBack))), List(V2(back))) << text;
    EXPECT_EQ(ToV2(Annotated("", "", with("ca", text, kBack))),
              List(V2(R"("kind":"SERVER",)" + back)));
    EXPECT_EQ(
        ToV2(Annotated("", At(5, "ms", kFront), with("ma", text, kBack))),
        List(V2(R"("kind":"PRODUCER","timestamp":5,)" + std::string(kLocalFront) + "," + back)));
    for (const char* key : {"sa", "ca", "ma"})
      EXPECT_EQ(ToV2(Annotated("", "", with(key, text, nullptr))), bare) << key << text;
  }
  for (const char* nothing : {"1", "0", "1.5", "false", "null", "{}"})
    EXPECT_EQ(ToV2(Annotated("", "", with("sa", nothing, kBack))), bare) << nothing;
  // The last one counts, even where it names nobody.
  const std::string first = with("sa", "true", kFront) + ",";
  EXPECT_EQ(ToV2(Annotated("", "", first + with("sa", R"("x")", kBack))), List(V2(back)));
  EXPECT_EQ(ToV2(Annotated("", "", first + with("sa", R"("x")", nullptr))), bare);
}

TEST(ZipkinV1, OtherBinaryAnnotationsAreTags) {
  EXPECT_EQ(
      ToV2(Annotated("", "",
                     R"({"key":"z","value":"1",)" + std::string(kFront) +
                         R"(},{"key":"a","value":"2"},{"key":"n","value":42},)"
                         R"({"key":"b","value":true},{"key":"o","value":{}},)"
                         R"({"key":"x"})")),
      List(V2(std::string(kLocalFront) + R"(,"tags":{"a":"2","b":"true","n":"42","z":"1"})")));
  // "lc" names but the host of a local span.
  EXPECT_EQ(ToV2(Annotated("", "", R"({"key":"lc","value":"",)" + std::string(kFront) + "}")),
            List(V2(kLocalFront)));
  EXPECT_EQ(ToV2(Annotated("", "", R"({"key":"lc","value":"main",)" + std::string(kFront) + "}")),
            List(V2(std::string(kLocalFront) + R"(,"tags":{"lc":"main"})")));
}

TEST(ZipkinV1, RefusesInZipkinsWords) {
  const std::string tail = " reading List<Span> from json";
  EXPECT_EQ(ToV2("[]"), "[]");
  EXPECT_EQ(ToV2("{}"), "Expected a JSON_V1 encoded list");
  EXPECT_EQ(ToV2("[{"), "End of input" + tail);
  EXPECT_EQ(ToV2(R"([{"id":"b"}])"), "traceId == 0" + tail);
  EXPECT_EQ(ToV2(R"([{"traceId":"a"}])"), "id == 0" + tail);
  EXPECT_EQ(ToV2(R"([{"traceId":"0","id":"b"}])"), "traceId == 0" + tail);
  EXPECT_EQ(ToV2(R"([{"traceId":"ZZ","id":"b"}])"),
            "ZZ should be a 1 to 32 character lower-hex string with no prefix" + tail);
  EXPECT_EQ(ToV2(Annotated("", R"({"timestamp":1})")),
            "Incomplete annotation at $[0].annotations[0].timestamp" + tail);
  EXPECT_EQ(ToV2(Annotated("", "", R"({"value":"x"})")),
            "No key at $[0].binaryAnnotations[0].value" + tail);
  EXPECT_EQ(ToV2(Span(R"(,"timestamp":"a")")), "For input string: \"a\"" + tail);
}

TEST(ZipkinV1, KeepsTheGoodSpansOfAFile) {
  SpanBatch batch;
  const auto report = DecodeZipkinV1Json(
      R"([{"traceId":"a","id":"b"},{"traceId":"a"},[],[{"traceId":"A","id":"c"}]])", batch);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ((*report).accepted, 2U);
  EXPECT_EQ((*report).first_error,
            "span 1 of trace 000000000000000a: it has no span id, or one of zeros");
}

TEST(ZipkinV1, WritesVersionTwoAsVersionOne) {
  const std::string client =
      V2(std::string(R"("kind":"CLIENT","name":"get","timestamp":5,"duration":4,)") + kLocalFront +
         R"(,"remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80},)"
         R"("annotations":[{"timestamp":7,"value":"foo"}],"tags":{"a":"2"},"debug":true)");
  EXPECT_EQ(ToV1(List(client)),
            Span(R"(,"name":"get","timestamp":5,"duration":4,"annotations":[)" +
                 At(5, "cs", kFront) + "," + At(7, "foo", kFront) + "," + At(9, "cr", kFront) +
                 R"(],"binaryAnnotations":[{"key":"a","value":"2",)" + kFront + "}," +
                 Address("sa", kBack) + R"(],"debug":true)"));
  EXPECT_EQ(ToV1(List(V2(kLocalFront))),
            Span(R"(,"name":"","binaryAnnotations":[{"key":"lc","value":"",)" +
                 std::string(kFront) + "}]"));
  // Each kind comes back as it went.
  const std::string times = R"("timestamp":5,"duration":4,)";
  for (const std::string kind : {"CLIENT", "SERVER", "PRODUCER", "CONSUMER"}) {
    const std::string span = List(V2(R"("kind":")" + kind + "\"," + times + kLocalBack +
                                     R"(,"remoteEndpoint":{"serviceName":"front"})"));
    EXPECT_EQ(ToV2(ToV1(span)), span);
  }
  const std::string shared =
      List(V2(R"("kind":"SERVER",)" + times + kLocalBack + R"(,"shared":true)"));
  EXPECT_EQ(ToV2(ToV1(shared)), shared);
  EXPECT_EQ(ToV2(ToV1(List(client))), List(client));
}

// A span of very many services costs no more than its bytes.
TEST(ZipkinV1, ASpanOfManyServicesIsManySpans) {
  std::string annotations;
  for (int i = 0; i < 20000; ++i) {
    const std::string endpoint =
        R"("endpoint":{"serviceName":"s)" + std::to_string(i % 10000) + "\"}";
    if (i > 0) annotations += ',';
    annotations += At(i + 1, "x", endpoint.c_str());
  }
  SpanBatch batch;
  ASSERT_TRUE(DecodeZipkinV1Json(Annotated("", annotations), batch).has_value());
  EXPECT_EQ(batch.size(), 10000U);
  for (const auto& span : batch.spans) ASSERT_EQ(span.events.count, 2U);
}

// What version 1 can say of a span: its side, if the host and both times are known.
bool SaysAll(const SpanBatch& batch, const model::SpanRecord& span) {
  bool shared = false;
  for (const auto& attribute : AttributesOf(batch, span.attributes))
    shared = shared || batch.text(attribute.key) == "zipkin.shared";
  const bool host = batch.resources[span.resource].attributes.count != 0;
  return host && span.has_start() && span.has_duration() && span.end_ns() > span.start_ns &&
         span.kind != SpanKind::kUnspecified && (!shared || span.kind == SpanKind::kServer);
}

TEST(ZipkinV1Property, SpansComeBackAsFarAsVersionOneCanTellThem) {
  std::size_t same = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = static_cast<Origin>(seed % 3);
    SpanBatch batch;  // as Zipkin's normal form has them
    ASSERT_TRUE(DecodeZipkinJson(Json(ArbitraryBatch(seed, options)), batch).has_value());
    std::string first;
    EncodeZipkinV1Json(batch, AllRows(batch), first);
    SpanBatch once;
    const auto report = DecodeZipkinV1Json(first, once, {.strict = true});
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(once.size(), batch.size());
    for (std::size_t i = 0; i < once.size(); ++i) {
      ASSERT_EQ(once.spans[i].trace_id, batch.spans[i].trace_id);
      ASSERT_EQ(once.spans[i].span_id, batch.spans[i].span_id);
      ASSERT_EQ(ServiceOf(once, once.spans[i]), ServiceOf(batch, batch.spans[i]));
      if (!SaysAll(batch, batch.spans[i])) continue;
      ASSERT_TRUE(SpansEqual(batch, batch.spans[i], once, once.spans[i]))
          << DescribeSpan(batch, batch.spans[i]) << "\n"
          << DescribeSpan(once, once.spans[i]);
      ++same;
    }
  }
  EXPECT_GT(same, 1000U);
}

TEST(ZipkinV1Property, BearsDamagedBytes) {
  ArbitraryOptions options;
  options.origin = Origin::kZipkin;
  options.spans = 6;
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const SpanBatch source = ArbitraryBatch(seed % 20, options);
    std::string text;
    EncodeZipkinV1Json(source, AllRows(source), text);
    for (std::uint64_t i = 1 + random.Below(3); i > 0; --i) {
      char& byte = text[random.Below(text.size())];
      byte = random.Percent(50) ? "{}[]\",:0e-ntf\\"[random.Below(14)]
                                : static_cast<char>(byte ^ (1 << random.Below(8)));
    }
    SpanBatch strict;
    const bool whole = DecodeZipkinV1Json(text, strict, {.strict = true}).has_value();
    ASSERT_TRUE(whole || strict.spans.empty());
    SpanBatch out;
    const auto report = DecodeZipkinV1Json(text, out);
    ASSERT_TRUE(report.has_value() || out.spans.empty());
    if (report.has_value()) {
      ASSERT_EQ((*report).accepted, out.size());
    }
  }
}

TEST(ZipkinV1Property, RefusesEveryTruncation) {
  ArbitraryOptions options;
  options.origin = Origin::kZipkin;
  options.spans = 3;
  const SpanBatch source = ArbitraryBatch(3, options);
  std::string text;
  EncodeZipkinV1Json(source, AllRows(source), text);
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    SpanBatch batch;
    ASSERT_FALSE(DecodeZipkinV1Json(std::string_view(text).substr(0, cut), batch).has_value());
    ASSERT_TRUE(batch.spans.empty() && batch.attributes.empty());
  }
}

TEST(ZipkinV1Json, MendsTextsThatAreNoneAndReadsNothingBehindTheList) {
  EXPECT_EQ(ToV2(Span(",\"name\":\"\\ud800\xFF\n\"") + "]"),
            Span(",\"name\":\"\xEF\xBF\xBD\xEF\xBF\xBD\\n\""));
}

TEST(ZipkinV1Json, ListsOfOtherTypesAreMalformed) {
  for (const char* field : {"annotations", "binaryAnnotations"}) {
    EXPECT_EQ(ToV2(Span(",\"" + std::string(field) + "\":1")),
              "Malformed reading List<Span> from json");
  }
}

}  // namespace
}  // namespace tracestore::codec
