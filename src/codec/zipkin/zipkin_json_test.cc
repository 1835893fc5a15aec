#include "codec/zipkin/zipkin_json.h"

#include <gtest/gtest.h>

#include <numeric>

#include "codec/zipkin/zipkin_text.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

model::DecodeReport Decode(std::string_view text, SpanBatch& batch) {
  auto report = DecodeZipkinJson(text, batch);
  EXPECT_TRUE(report.has_value()) << report.error().message();
  return report.value_or(model::DecodeReport{});
}

std::string ErrorOf(std::string_view text, bool strict = false) {
  SpanBatch batch;
  const auto report = DecodeZipkinJson(text, batch, {.strict = strict});
  EXPECT_TRUE(report.has_value() || batch.empty());
  return report.has_value() ? "" : report.error().message();
}

std::string Encode(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  EncodeZipkinSpans(batch, rows, out);
  return out;
}

std::string Normal(std::string_view text) {
  SpanBatch batch;
  EXPECT_EQ(Decode(text, batch).first_error, "");
  return Encode(batch);
}

std::string Refused(std::string_view text) {
  SpanBatch batch;
  const auto report = Decode(text, batch);
  EXPECT_EQ(report.accepted, 0U);
  EXPECT_EQ(report.rejected, 1U);
  EXPECT_TRUE(batch.attributes.empty());
  return report.first_error;
}

// A span with ids and `fields`.
std::string With(const std::string& fields) {
  return R"([{"traceId":"000000000000000a","id":"000000000000000b",)" + fields + "}]";
}

constexpr std::string_view kFull =
    R"([{"traceId":"463ac35c9f6413ad48485a3953bb6124","parentId":"5b4185666d50f68b",)"
    R"("id":"48485a3953bb6124","kind":"SERVER","name":"get /","timestamp":1521186011929043,)"
    R"("duration":14,"localEndpoint":{"serviceName":"backend","ipv4":"192.168.0.10",)"
    R"("ipv6":"2001:db8::c001","port":8080},"remoteEndpoint":{"serviceName":"front",)"
    R"("ipv4":"127.0.0.1","port":61},"annotations":[{"timestamp":1521186011929050,"value":"a"},)"
    R"({"timestamp":1521186011929051,"value":"foo \"bar\""}],"tags":{"error":"no","http.path":"/",)"
    R"("net.peer.ip":"a tag","zipkin.shared":"a tag"},"debug":true,"shared":true},)"
    R"({"traceId":"48485a3953bb6124","id":"0000000000000001"}])";

TEST(ZipkinJson, WritesBackWhatItRead) {
  SpanBatch batch;
  EXPECT_EQ(Decode(kFull, batch).accepted, 2U);
  EXPECT_EQ(Encode(batch), kFull);
  EXPECT_EQ(ErrorOf(kFull, true), "");
}

TEST(ZipkinJson, FillsTheModel) {
  SpanBatch batch;
  Decode(kFull, batch);
  const auto& span = batch.spans[0];
  EXPECT_EQ(span.kind, SpanKind::kServer);
  EXPECT_EQ(span.status, StatusCode::kError);
  EXPECT_EQ(batch.text(span.status_message), "no");
  EXPECT_EQ(span.start_ns, 1521186011929043000U);
  EXPECT_EQ(span.duration_ns, 14000U);
  EXPECT_EQ(span.flags, model::kFlagDebug);
  EXPECT_EQ(ServiceOf(batch, span), "backend");
  EXPECT_EQ(span.parent_id.ToHex(), "5b4185666d50f68b");
  EXPECT_EQ(batch.resources[span.resource].origin, Origin::kZipkin);
  EXPECT_EQ(batch.resources[span.resource].attributes.count, 4U);
  EXPECT_EQ(span.attributes.count, 9U);  // four tags, three of the remote endpoint, shared, debug
  EXPECT_EQ(batch.text(batch.events[1].name), "foo \"bar\"");
  const auto& bare = batch.spans[1];
  EXPECT_FALSE(bare.has_start());
  EXPECT_FALSE(bare.has_duration());
  EXPECT_EQ(bare.trace_id.high, 0U);
  EXPECT_EQ(ServiceOf(batch, bare), "");
}

TEST(ZipkinJson, BringsSpansIntoNormalForm) {
  EXPECT_EQ(Normal(R"([{"traceId":"a","id":"b","parentId":"c"}])"),
            R"([{"traceId":"000000000000000a","parentId":"000000000000000c",)"
            R"("id":"000000000000000b"}])");
  EXPECT_EQ(Normal(R"([{"traceId":"0000000000000000000000000000000a","id":"b"}])"),
            R"([{"traceId":"000000000000000a","id":"000000000000000b"}])");
  EXPECT_EQ(Normal(R"([{"traceId":"1000000000000000a","id":"b"}])"),
            R"([{"traceId":"0000000000000001000000000000000a","id":"000000000000000b"}])");
  const std::string bare = R"([{"traceId":"000000000000000a","id":"000000000000000b"}])";
  EXPECT_EQ(Normal(With(R"("parentId":"0000000000000000")")), bare);
  EXPECT_EQ(Normal(With(R"("parentId":"b")")), bare);
  EXPECT_EQ(Normal(With(R"("timestamp":0,"duration":-1,"name":"","tags":{},"annotations":[])")),
            bare);
  EXPECT_EQ(Normal(With(R"("debug":false,"shared":false,"kind":null,"name":null,"tags":null)")),
            bare);
  EXPECT_EQ(Normal(With(R"("localEndpoint":{"serviceName":"","port":0,"ipv4":"x"},)"
                        R"("remoteEndpoint":{})")),
            bare);
  EXPECT_EQ(Normal(With(R"("unknown":{"a":[1]})")), bare);
  const auto with = [](const std::string& fields) {
    return R"([{"traceId":"000000000000000a","id":"000000000000000b",)" + fields + "}]";
  };
  EXPECT_EQ(Normal(With(R"("kind":"CLIENT","shared":true)")), with(R"("kind":"CLIENT")"));
  EXPECT_EQ(Normal(With(R"("name":"GET \u00c4B","localEndpoint":{"serviceName":"Front"})")),
            with("\"name\":\"get \xC3\xA4"
                 "b\",\"localEndpoint\":{\"serviceName\":\"front\"}"));
  EXPECT_EQ(Normal(With(R"("localEndpoint":{"ipv6":"2001:DB8:0::C001","ipv4":"::ffff:1.2.3.4"})")),
            with(R"("localEndpoint":{"ipv4":"1.2.3.4","ipv6":"2001:db8::c001"})"));
  EXPECT_EQ(Normal(With(R"("tags":{"b":"1","a":"2","b":"3"})")),
            with(R"("tags":{"a":"2","b":"3"})"));
  EXPECT_EQ(Normal(With(R"("tags":{"n":1,"f":1.5})")), with(R"("tags":{"f":"1.5","n":"1"})"));
  EXPECT_EQ(Normal(With(R"("annotations":[{"timestamp":2,"value":"a"},{"timestamp":1,"value":"b"},)"
                        R"({"timestamp":"1","value":"a"},{"timestamp":2.0,"value":"a"}])")),
            with(R"("annotations":[{"timestamp":1,"value":"a"},{"timestamp":1,"value":"b"},)"
                 R"({"timestamp":2,"value":"a"}])"));
}

TEST(ZipkinJson, TakesAListAListOfListsAndOneSpan) {
  const std::string span = R"({"traceId":"a","id":"b"})";
  for (const std::string& text :
       {"[" + span + "]", "[[" + span + "]]", span, "\xEF\xBB\xBF[" + span + "]"}) {
    SpanBatch batch;
    EXPECT_EQ(Decode(text, batch).accepted, 1U) << text;
  }
  SpanBatch batch;
  EXPECT_EQ(Decode("[[" + span + "," + span + "],[]," + span + "]", batch).accepted, 3U);
  EXPECT_EQ(batch.resources.size(), 1U);
  EXPECT_EQ(Decode("[]", batch).accepted, 0U);
  EXPECT_EQ(ErrorOf("[]", true), "");
}

TEST(ZipkinJson, StrictSaysWhereAPartIsMissing) {
  const auto error = [](const std::string& text) {
    const std::string sentence = ErrorOf(text, true);
    const std::string tail = " reading List<Span> from json";
    EXPECT_TRUE(sentence.ends_with(tail)) << sentence;
    return sentence.substr(0, sentence.size() - std::min(tail.size(), sentence.size()));
  };
  EXPECT_EQ(error(With(R"("tags":{"k":null})")), "No value at $[0].tags.k");
  EXPECT_EQ(error(With(R"("tags":{"a":"b","k":null})")), "No value at $[0].tags.k");
  EXPECT_EQ(error(With(R"("annotations":[{"timestamp":1}])")),
            "Incomplete annotation at $[0].annotations[0].timestamp");
  EXPECT_EQ(error(With(R"("annotations":[{"timestamp":1,"value":"a"},{"value":"x"}])")),
            "Incomplete annotation at $[0].annotations[1].value");
  EXPECT_EQ(error(With(R"("annotations":[{}])")), "Incomplete annotation at $[0].annotations[0].");
  // Of the second span of a message.
  const std::string good = With("\"debug\":true");
  EXPECT_EQ(error(good.substr(0, good.size() - 1) + "," + With(R"("tags":{"k":null})").substr(1)),
            "No value at $[1].tags.k");
}

TEST(ZipkinJson, StrictSaysWhatIsWrongWithAnId) {
  const auto error = [](const std::string& fields) { return ErrorOf("[{" + fields + "}]", true); };
  const std::string tail = " reading List<Span> from json";
  EXPECT_EQ(error(R"("traceId":"a","id":"0000000000000000")"), "id is all zeros" + tail);
  EXPECT_EQ(error(R"("traceId":"","id":"1")"), "traceId is empty" + tail);
  EXPECT_EQ(error(R"("traceId":"a","id":"")"), "id is empty" + tail);
  EXPECT_EQ(error(R"("traceId":"a","id":"1","parentId":"")"), "parentId is empty" + tail);
}

TEST(ZipkinJson, KeepsTheGoodSpansAndNamesTheFirstBadOne) {
  SpanBatch batch;
  const auto report =
      Decode(R"([{"traceId":"a","id":"b"},{"traceId":"a","id":"xyz"},{"id":"1"},{"traceId":"a",)"
             R"("id":"c"}])",
             batch);
  EXPECT_EQ(report.accepted, 2U);
  EXPECT_EQ(report.rejected, 2U);
  EXPECT_EQ(report.first_error,
            "span 1 of trace 000000000000000a: span id 'xyz' is not 1 to 16 hexadecimal digits");
  EXPECT_EQ(report.reasons.at("span without traceId"), 1U);
  EXPECT_EQ(Refused(R"([{}])"), "span 0: it is without traceId id");
  EXPECT_EQ(Refused(R"([3])"), "span 0: span is a number, not an object");
  EXPECT_EQ(Refused(R"([{"traceId":"","id":"1"}])"),
            "span 0: trace id '' is not 1 to 32 hexadecimal digits");
  EXPECT_EQ(Refused(R"([{"traceId":"00","id":"1"}])"), "span 0: its trace id is all zeros");
  EXPECT_EQ(Refused(With(R"("kind":"client")")),
            "span 0 of trace 000000000000000a: kind 'client' is none of CLIENT, SERVER, PRODUCER, "
            "CONSUMER");
  EXPECT_EQ(Refused(With(R"("timestamp":"x")")),
            "span 0 of trace 000000000000000a: timestamp 'x' is no number of microseconds");
  EXPECT_EQ(Refused(With(R"("duration":18446744073709552)")),
            "span 0 of trace 000000000000000a: duration '18446744073709552' is no number of "
            "microseconds");
  EXPECT_EQ(Refused(With(R"("localEndpoint":{"port":65536})")),
            "span 0 of trace 000000000000000a: port '65536' is no number up to 65535");
  EXPECT_EQ(Refused(With(R"("annotations":[{"timestamp":1}])")),
            "span 0 of trace 000000000000000a: an annotation lacks timestamp or value");
  EXPECT_EQ(Refused(With(R"("tags":{"a":null})")),
            "span 0 of trace 000000000000000a: tag 'a' has no value");
  EXPECT_EQ(Refused(With(R"("debug":"x")")),
            "span 0 of trace 000000000000000a: debug 'x' is not true or false");
  EXPECT_EQ(Refused(With(R"("binaryAnnotations":[])")),
            "span 0 of trace 000000000000000a: it is a Zipkin v1 span (binaryAnnotations)");
}

TEST(ZipkinJson, StrictRefusesTheMessageInZipkinsWords) {
  const auto error = [](const std::string& text) { return ErrorOf(text, true); };
  const std::string tail = " reading List<Span> from json";
  EXPECT_EQ(error(R"([{"traceId":"a","id":"b"},{}])"), "Missing : traceId id" + tail);
  EXPECT_EQ(error(R"([{"traceId":"a"}])"), "Missing : id" + tail);
  EXPECT_EQ(error(With(R"("timestamp":"a")")), "For input string: \"a\"" + tail);
  EXPECT_EQ(error(R"([{"traceId":"ZZ","id":"b"}])"),
            "ZZ should be lower-hex encoded with no prefix" + tail);
  EXPECT_EQ(error(R"([{"traceId":"AB","id":"b"}])"),
            "AB should be lower-hex encoded with no prefix" + tail);
  EXPECT_EQ(error(R"([{"traceId":"00","id":"b"}])"), "traceId is all zeros" + tail);
  EXPECT_EQ(error(R"([{"traceId":")" + std::string(33, '1') + R"(","id":"b"}])"),
            "traceId.length > 32" + tail);
  EXPECT_EQ(error(R"([{"traceId":"1","id":"11111111111111111"}])"), "id.length > 16" + tail);
  EXPECT_EQ(error(With(R"("remoteEndpoint":{"port":70000})")), "invalid port 70000" + tail);
  EXPECT_EQ(error(With(R"("kind":"X")")), "No enum constant zipkin2.Span.Kind.X" + tail);
  EXPECT_EQ(error(R"([{"traceId":"1","id":"0000"}])"), "id is all zeros" + tail);
  EXPECT_EQ(error(R"([{"traceId":"","id":"1"}])"), "traceId is empty" + tail);
  EXPECT_EQ(error(With(R"("tags":{"k":null})")), "No value at $[0].tags.k" + tail);
  EXPECT_EQ(error(With(R"("annotations":[{"timestamp":1}])")),
            "Incomplete annotation at $[0].annotations[0].timestamp" + tail);
  EXPECT_EQ(error("[1]"), "Malformed" + tail);
  EXPECT_EQ(error("[{]"), "Malformed" + tail);
  EXPECT_EQ(error("{}"), "Expected a JSON_V2 encoded list");
  EXPECT_EQ(error(With(R"("binaryAnnotations":[])")),
            "Expected a JSON_V2 encoded list, but received: JSON_V1");
  EXPECT_EQ(error(R"([[{"traceId":"1","id":"1"}]])"), "Malformed" + tail);
}

TEST(ZipkinJson, StrictWordsWrongTypesAsZipkinDoes) {
  const auto error = [](const std::string& fields) {
    const std::string sentence = ErrorOf(With(fields), true);
    const std::string tail = " reading List<Span> from json";
    EXPECT_TRUE(sentence.ends_with(tail)) << sentence;
    return sentence.substr(0, sentence.size() - std::min(sentence.size(), tail.size()));
  };
  EXPECT_EQ(error(R"("debug":1)"), "Expected a boolean but was NUMBER");
  EXPECT_EQ(error(R"("debug":"true")"), "Expected a boolean but was STRING");
  EXPECT_EQ(error(R"("shared":1.0)"), "Expected a boolean but was NUMBER");
  EXPECT_EQ(error(R"("shared":[])"), "Expected a boolean but was BEGIN_ARRAY");
  EXPECT_EQ(error(R"("name":true)"), "Expected a string but was BOOLEAN");
  EXPECT_EQ(error(R"("annotations":1)"), "Malformed");
  EXPECT_EQ(error(R"("annotations":{})"), "Malformed");
  EXPECT_EQ(error(R"("timestamp":1.5)"), "Expected a long but was 1.5");
  EXPECT_EQ(error(R"("timestamp":"1.5")"), "Expected a long but was 1.5");
  EXPECT_EQ(error(R"("duration":true)"), "Expected a long but was BOOLEAN");
  EXPECT_EQ(error(R"("duration":[])"), "Expected a long but was BEGIN_ARRAY");
  EXPECT_EQ(error(R"("timestamp":"")"), "empty String");
  EXPECT_EQ(error(R"("timestamp":18446744073709552)"), "For input string: \"18446744073709552\"");
  const auto port = [&error](const std::string& value) {
    return error("\"localEndpoint\":{\"port\":" + value + "}");
  };
  EXPECT_EQ(port("1.5"), "Expected an int but was 1.5");
  EXPECT_EQ(port("99999999999"), "Expected an int but was 99999999999");
  EXPECT_EQ(port("-99999999999"), "Expected an int but was -99999999999");
  EXPECT_EQ(port("false"), "Expected an int but was BOOLEAN");
  EXPECT_EQ(port("\"x\""), "For input string: \"x\"");
  EXPECT_EQ(port("65536"), "invalid port 65536");
}

TEST(ZipkinJson, StrictTellsACutMessageFromAWrongOne) {
  const std::string tail = " reading List<Span> from json";
  for (const char* text : {"[", R"([{"traceId":"a1","id":"1"})", R"([{"traceId":"a1",)",
                           R"([{"id")", R"([{"traceId":"\ud800")"})
    EXPECT_EQ(ErrorOf(text, true), "End of input" + tail) << text;
  for (const char* text : {R"([{"traceId":"a)", "[{]", "[tru", "[1}"})
    EXPECT_EQ(ErrorOf(text, true), "Malformed" + tail) << text;
}

// What a strict reader takes, written back.
std::string Taken(std::string_view text) {
  SpanBatch batch;
  const auto report = DecodeZipkinJson(text, batch, {.strict = true});
  return report.has_value() ? Encode(batch) : report.error().message();
}

TEST(ZipkinJson, MendsTextsThatAreNone) {
  constexpr const char* kMark = "\xEF\xBF\xBD";
  const auto tag = [](const std::string& value) {
    return With("\"tags\":{\"a\":\"" + value + "\"}");
  };
  EXPECT_EQ(Taken(tag("\\ud800")), tag(kMark));
  EXPECT_EQ(Taken(tag("x\xC3")), tag(std::string("x") + kMark));
  EXPECT_EQ(Taken(With("\"name\":\"a\x01"
                       "b\nc\"")),
            With(R"("name":"a\u0001b\nc")"));
  EXPECT_EQ(Normal(tag("\xFF\xFE")), tag(std::string(kMark) + kMark));
  SpanBatch batch;
  EXPECT_EQ(Decode(tag("\\ud800\xFF"), batch).mended_texts, 1U);
  EXPECT_EQ(Decode(tag("a\tb"), batch).mended_texts, 0U);
  // All else that is no JSON still isn't.
  EXPECT_EQ(ErrorOf(R"([{"id":"\ud800",}])"), "not JSON: unexpected '}' at byte 16");
}

TEST(ZipkinJson, StrictReadsNothingBehindTheList) {
  const std::string list = R"([{"traceId":"000000000000000a","id":"000000000000000b"}])";
  for (const char* rest : {"]", "x", "[", "\xFF", "\n{}"}) EXPECT_EQ(Taken(list + rest), list);
  EXPECT_EQ(ErrorOf(list + "x"), "not JSON: unexpected 'x' at byte 56");
}

TEST(ZipkinJson, TakesNumbersAsZipkinDoes) {
  EXPECT_EQ(Taken(With(R"("timestamp":"12.0","localEndpoint":{"port":"8e1"})")),
            With(R"("timestamp":12,"localEndpoint":{"port":80})"));
  EXPECT_EQ(Taken(With(R"("annotations":[{"timestamp":-1,"value":"a"}])")),
            With(R"("annotations":[{"timestamp":0,"value":"a"}])"));
}

TEST(ZipkinJson, NumbersOfAnySizeAreTexts) {
  EXPECT_EQ(Taken(With(R"("name":1E400)")), With(R"("name":"1e400")"));
  EXPECT_EQ(Normal(With(R"("tags":{"a":1e400,"b":-123456789012345678901234567890})")),
            With(R"("tags":{"a":"1e400","b":"-123456789012345678901234567890"})"));
  EXPECT_EQ(Taken(With(R"("duration":1e400)")),
            "For input string: \"1e400\" reading List<Span> from json");
}

TEST(ZipkinJson, RefusesWhatIsNoListOfSpans) {
  EXPECT_EQ(ErrorOf("[{\"id\":}]"), "not JSON: unexpected '}' at byte 7");
  EXPECT_EQ(ErrorOf("7"), "not Zipkin JSON: the text is a number");
  EXPECT_EQ(ErrorOf("{\"data\":[]}"), "not Zipkin JSON: neither a list nor a span");
  EXPECT_EQ(ErrorOf(std::string(100000, '[')),
            "not JSON: nested deeper than 1024 levels at byte 1024");
  EXPECT_EQ(Refused(With(R"("timestamp":1e999)")),
            "span 0 of trace 000000000000000a: timestamp '1e999' is no number of microseconds");
}

TEST(ZipkinText, WritesIpv6AsZipkinDoes) {
  const auto ipv6 = [](std::string_view text) {
    ZipkinEndpoint endpoint;
    endpoint.SetAddress(text);
    return endpoint.ipv4.empty() ? endpoint.ipv6 : "v4 " + endpoint.ipv4;
  };
  EXPECT_EQ(ipv6("::1"), "::1");
  EXPECT_EQ(ipv6("::"), "::");
  EXPECT_EQ(ipv6("0:0:0:0:0:0:0:0"), "::");
  EXPECT_EQ(ipv6("2001:0:0:4:0:0:0:8"), "2001:0:0:4::8");
  EXPECT_EQ(ipv6("2001:0:0:4:5:6:0:0"), "2001::4:5:6:0:0");
  EXPECT_EQ(ipv6("2001:1:2:4:5:6:0:0"), "2001:1:2:4:5:6::");
  EXPECT_EQ(ipv6("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
  EXPECT_EQ(ipv6("::ffff:43.0.192.2"), "v4 43.0.192.2");
  EXPECT_EQ(ipv6("::43.0.192.2"), "v4 43.0.192.2");
  EXPECT_EQ(ipv6("64:ff9b::43.0.192.2"), "");
  EXPECT_EQ(ipv6("1.2.3.4"), "v4 1.2.3.4");
  for (const char* text : {"", "x", "1.2.3", "1.2.3.256", ":::", "1:2", "fe80::1%eth0"})
    EXPECT_EQ(ipv6(text), "") << text;
  EXPECT_EQ(ipv6(std::string(1 << 20, ':')), "");
}

TEST(ZipkinText, LowersLettersAndNothingElse) {
  EXPECT_EQ(ZipkinLowerCase("GET /X-1[]"), "get /x-1[]");
  EXPECT_EQ(ZipkinLowerCase("\xC3\x84\xC3\x97\xC3\x9F"), "\xC3\xA4\xC3\x97\xC3\x9F");  // Ä × ß
  EXPECT_EQ(ZipkinLowerCase("\xCE\xA9\xD0\x90\xD0\x81"), "\xCF\x89\xD0\xB0\xD1\x91");  // Ω А Ё
  EXPECT_EQ(ZipkinLowerCase("\xE6\x97\xA5\xC3"), "\xE6\x97\xA5\xC3");
}

// One OTLP span with everything that Zipkin has no field for.
SpanBatch OtlpSpan() {
  SpanBatch batch;
  const auto key = [&](std::string_view text) { return batch.strings.Intern(text); };
  model::ResourceRecord resource;
  batch.AddString(key("service.name"), "Front");
  batch.AddString(key("host.name"), "h1");
  batch.AddString(key("host.ip"), "10.0.0.7");
  resource.attributes = {0, 3};
  batch.resources.push_back(resource);
  model::ScopeRecord scope;
  scope.name = key("lib");
  scope.version = key("1");
  batch.scopes.push_back(scope);
  model::SpanRecord span;
  span.trace_id = {1, 2};
  span.span_id = {3};
  span.parent_id = {4};
  span.name = key("GET /");
  span.kind = SpanKind::kClient;
  span.status = StatusCode::kError;
  span.status_message = key("boom");
  span.trace_state = key("a=b");
  span.start_ns = 1700000000000000999;
  span.duration_ns = 300;
  span.presence = model::kHasStart | model::kHasDuration;
  span.flags = 0x103;
  batch.AddBool(key("b"), true);
  batch.AddInt(key("n"), 42);
  batch.AddDouble(key("d"), 2.5);
  std::string blob;
  model::ValueBlobWriter writer(blob);
  writer.String("x");
  writer.Int(1);
  batch.AddBlob(key("arr"), ValueType::kArray, blob);
  batch.AddString(key("peer.service"), "MySQL");
  batch.AddString(key("net.peer.ip"), "10.0.0.9");
  batch.AddString(key("net.peer.port"), "3306");
  span.attributes = {3, 7};
  model::EventRecord bare;
  bare.time_ns = 1700000000000002000;
  bare.name = key("retry");
  batch.events.push_back(bare);
  model::EventRecord rich = bare;
  rich.name = key("cache-miss");
  rich.attributes = {10, 2};
  batch.AddString(key("key"), "k1");
  batch.AddInt(key("tries"), 3);
  batch.events.push_back(rich);
  span.events = {0, 2};
  batch.spans.push_back(span);
  return batch;
}

TEST(ZipkinJson, ConvertsAnOtlpSpan) {
  EXPECT_EQ(
      Encode(OtlpSpan()),
      R"([{"traceId":"00000000000000010000000000000002","parentId":"0000000000000004",)"
      R"("id":"0000000000000003","kind":"CLIENT","name":"get /","timestamp":1700000000000000,)"
      R"("duration":1,"localEndpoint":{"serviceName":"front","ipv4":"10.0.0.7"},)"
      R"("remoteEndpoint":{"serviceName":"mysql","ipv4":"10.0.0.9","port":3306},)"
      R"("annotations":[{"timestamp":1700000000000002,"value":"retry"},)"
      R"({"timestamp":1700000000000002,"value":"{\"cache-miss\":{\"key\":\"k1\",\"tries\":3}}"}],)"
      R"("tags":{"arr":"[\"x\",1]","b":"true","d":"2.5","error":"boom","host.ip":"10.0.0.7",)"
      R"("host.name":"h1","n":"42","net.peer.ip":"10.0.0.9","net.peer.port":"3306",)"
      R"("otel.scope.name":"lib","otel.scope.version":"1","otel.status_code":"ERROR",)"
      R"("peer.service":"MySQL","w3c.tracestate":"a=b"}}])");
}

TEST(ZipkinJson, AnEndBeforeTheStartIsTold) {
  SpanBatch batch = OtlpSpan();
  constexpr std::string_view kTold =
      R"("tracestore.warning":"the span ends before it starts; its duration is shown as 0")";
  batch.spans[0].duration_ns = 0;
  EXPECT_FALSE(Encode(batch).find(kTold) != std::string::npos);
  batch.spans[0].duration_ns = static_cast<std::uint64_t>(-1);
  const std::string told = Encode(batch);
  EXPECT_TRUE(told.find(kTold) != std::string::npos) << told;
  EXPECT_FALSE(told.find("\"duration\"") != std::string::npos) << told;
  // Zipkin's own durations have no sign.
  batch.resources[0].origin = Origin::kZipkin;
  EXPECT_FALSE(Encode(batch).find(kTold) != std::string::npos);
}

TEST(ZipkinJson, AnErrorTagStandsOnlyWhereTheSpanFailed) {
  SpanBatch batch = OtlpSpan();
  batch.resources[0].origin = Origin::kJaeger;
  batch.spans[0].attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 1};
  batch.AddBool(batch.strings.Intern("error"), false);
  batch.spans[0].status = StatusCode::kUnset;
  EXPECT_EQ(Encode(batch).find("\"error\""), std::string::npos);
  batch.spans[0].status = StatusCode::kError;
  batch.spans[0].status_message = 0;
  EXPECT_NE(Encode(batch).find(R"("error":"true")"), std::string::npos);
  EXPECT_NE(Encode(batch).find(R"("debug":true)"), std::string::npos);
}

}  // namespace
}  // namespace tracestore::codec
