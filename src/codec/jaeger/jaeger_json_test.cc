#include "codec/jaeger/jaeger_json.h"

#include <gtest/gtest.h>

#include <bit>
#include <numeric>

namespace tracestore::codec {
namespace {

using model::SpanBatch;

model::DecodeReport Decode(std::string_view text, SpanBatch& batch) {
  auto report = DecodeJaegerJson(text, batch);
  EXPECT_TRUE(report.has_value()) << report.error().message();
  return report.value_or(model::DecodeReport{});
}

std::string ErrorOf(std::string_view text) {
  SpanBatch batch;
  const auto report = DecodeJaegerJson(text, batch);
  EXPECT_TRUE(batch.empty());
  return report.has_value() ? "" : report.error().message();
}

std::string Encode(const SpanBatch& batch, const JaegerJsonOptions& options = {}) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  EncodeJaegerTrace(batch, rows, options, out);
  return out;
}

// A trace of one span, `fields` within the span object.
std::string OneSpan(const std::string& fields) {
  return R"({"traceID":"1","spans":[{"traceID":"1","spanID":"2",)" + fields +
         R"("processID":"p1"}],"processes":{"p1":{"serviceName":"s"}}})";
}

// The sentence that refuses the only span.
std::string Refused(const std::string& text) {
  SpanBatch batch;
  const auto report = Decode(text, batch);
  EXPECT_EQ(report.accepted, 0U);
  EXPECT_EQ(report.rejected, 1U);
  EXPECT_TRUE(batch.attributes.empty() || batch.resources.size() == 1);
  EXPECT_TRUE(batch.events.empty());
  EXPECT_TRUE(batch.references.empty());
  return report.first_error;
}

constexpr std::string_view kFull =
    R"({"traceID":"0af7651916cd43dd8448eb211c80319c","spans":[)"
    R"({"traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"00f067aa0ba902b7","flags":1,)"
    R"("operationName":"GET /","references":[)"
    R"({"refType":"FOLLOWS_FROM","traceID":"0af7651916cd43dd8448eb211c80319d",)"
    R"("spanID":"00f067aa0ba902b8"},)"
    R"({"refType":"CHILD_OF","traceID":"0af7651916cd43dd8448eb211c80319c",)"
    R"("spanID":"00f067aa0ba902b9"},)"
    R"({"refType":"CHILD_OF","traceID":"0af7651916cd43dd8448eb211c80319c",)"
    R"("spanID":"00f067aa0ba902ba"}],)"
    R"("startTime":1795376030375022,"duration":50000,"tags":[)"
    R"({"key":"b","type":"bool","value":true},{"key":"bytes","type":"binary","value":"AQI="},)"
    R"({"key":"d","type":"float64","value":1.5},{"key":"n","type":"int64","value":200},)"
    R"({"key":"big","type":"int64","value":"9007199254740993"},)"
    R"({"key":"nan","type":"float64","value":"NaN"},)"
    R"({"key":"span.kind","type":"string","value":"server"},{"key":"n","type":"string",)"
    R"("value":"two"}],)"
    R"("logs":[{"timestamp":1795376030375023,"fields":[{"key":"k","type":"string","value":"v"},)"
    R"({"key":"event","type":"string","value":"ev"}]},{"timestamp":7,"fields":[]}],)"
    R"("processID":"p1","warnings":["first","second"]},)"
    R"({"traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"00f067aa0ba90301",)"
    R"("operationName":"","references":[],"startTime":0,"duration":0,"tags":[],"logs":[],)"
    R"("processID":"p2","warnings":null}],)"
    R"("processes":{"p1":{"serviceName":"fe","tags":[{"key":"host","type":"string",)"
    R"("value":"h1"}]},)"
    R"("p2":{"serviceName":"be","tags":[]}},"warnings":null})";

TEST(JaegerJson, WritesBackWhatItRead) {
  SpanBatch batch;
  const auto report = Decode(kFull, batch);
  EXPECT_EQ(report.accepted, 2U);
  EXPECT_EQ(report.rejected, 0U);
  EXPECT_EQ(Encode(batch), kFull);
}

TEST(JaegerJson, FillsTheModel) {
  SpanBatch batch;
  Decode(kFull, batch);
  ASSERT_EQ(batch.size(), 2U);
  const auto& span = batch.spans[0];
  EXPECT_EQ(span.parent_id.ToHex(), "00f067aa0ba902b9");
  EXPECT_EQ(span.parent_position, 1U);
  EXPECT_EQ(span.references.count, 2U);
  EXPECT_EQ(span.kind, SpanKind::kServer);
  EXPECT_EQ(span.start_ns, 1795376030375022000U);
  EXPECT_EQ(span.duration_ns, 50000000U);
  EXPECT_EQ(span.flags, 1U);
  EXPECT_EQ(ServiceOf(batch, span), "fe");
  EXPECT_EQ(batch.resources[span.resource].origin, Origin::kJaeger);
  EXPECT_EQ(batch.text(batch.events[span.events.begin].name), "ev");
  EXPECT_TRUE(batch.spans[1].has_start());
  EXPECT_TRUE(batch.spans[1].has_duration());
  EXPECT_EQ(span.attributes.count, 10U);  // eight tags, two warnings
}

TEST(JaegerJson, TakesATraceAListAndAnAnswer) {
  const std::string trace = OneSpan("");
  for (const std::string& text : {trace, "[" + trace + "]", "{\"data\":[" + trace + "]}",
                                  "{\"data\":" + trace + "}", "\xEF\xBB\xBF " + trace}) {
    SpanBatch batch;
    EXPECT_EQ(Decode(text, batch).accepted, 1U) << text;
  }
  for (const char* text : {R"({"data":null,"errors":[]})", R"({"data":[]})", "[]",
                           R"({"spans":[]})", R"({"spans":null})"}) {
    SpanBatch batch;
    EXPECT_EQ(Decode(text, batch).accepted, 0U) << text;
  }
}

TEST(JaegerJson, ReadsStatusFromTags) {
  const auto status = [](const std::string& tags) {
    SpanBatch batch;
    Decode(OneSpan("\"tags\":[" + tags + "],"), batch);
    return batch.spans.at(0).status;
  };
  EXPECT_EQ(status(R"({"key":"error","type":"bool","value":true})"), StatusCode::kError);
  EXPECT_EQ(status(R"({"key":"error","type":"bool","value":"true"})"), StatusCode::kError);
  EXPECT_EQ(status(R"({"key":"error","type":"string","value":"true"})"), StatusCode::kError);
  EXPECT_EQ(status(R"({"key":"error","type":"bool","value":false})"), StatusCode::kUnset);
  EXPECT_EQ(status(R"({"key":"error","type":"string","value":"boom"})"), StatusCode::kUnset);
  EXPECT_EQ(status(R"({"key":"otel.status_code","type":"string","value":"OK"})"), StatusCode::kOk);
  EXPECT_EQ(status(R"({"key":"error","value":true},{"key":"otel.status_code","value":"OK"})"),
            StatusCode::kOk);
  EXPECT_EQ(status(R"({"key":"otel.status_code","type":"string","value":"ERROR"})"),
            StatusCode::kError);
}

TEST(JaegerJson, ReadsEveryFormOfATagValue) {
  const auto tag = [](const std::string& type, const std::string& value) {
    SpanBatch batch;
    Decode(OneSpan("\"tags\":[{\"key\":\"k\"" + type + ",\"value\":" + value + "}],"), batch);
    const auto& attribute = batch.attributes.at(batch.spans.at(0).attributes.begin);
    std::string text;
    switch (attribute.type()) {
      case ValueType::kString: text = "string:"; break;
      case ValueType::kBool: return std::string(attribute.bits != 0 ? "true" : "false");
      case ValueType::kInt:
        return "int:" + std::to_string(static_cast<std::int64_t>(attribute.bits));
      case ValueType::kDouble:
        return "double:" + std::to_string(std::bit_cast<double>(attribute.bits));
      case ValueType::kBytes: text = "bytes:"; break;
      default: return std::string("other");
    }
    return text += batch.text(static_cast<model::StringId>(attribute.bits));
  };
  EXPECT_EQ(tag(R"(,"type":"string")", R"("x")"), "string:x");
  EXPECT_EQ(tag(R"(,"type":"string")", "12"), "string:12");
  EXPECT_EQ(tag(R"(,"type":"string")", "null"), "string:");
  EXPECT_EQ(tag(R"(,"type":"string")", R"({"a":[1, 2]})"), R"(string:{"a":[1,2]})");
  EXPECT_EQ(tag(R"(,"type":"bool")", R"("true")"), "true");
  EXPECT_EQ(tag(R"(,"type":"bool")", "0"), "false");
  EXPECT_EQ(tag(R"(,"type":"bool")", R"("maybe")"), "string:maybe");
  EXPECT_EQ(tag(R"(,"type":"int64")", R"("-9223372036854775808")"), "int:-9223372036854775808");
  EXPECT_EQ(tag(R"(,"type":"int64")", "12.0"), "int:12");
  EXPECT_EQ(tag(R"(,"type":"int64")", "12.5"), "double:12.500000");
  EXPECT_EQ(tag(R"(,"type":"int64")", "18446744073709551615"), "string:18446744073709551615");
  EXPECT_EQ(tag(R"(,"type":"int64")", R"("1x")"), "string:1x");
  EXPECT_EQ(tag(R"(,"type":"float64")", "2"), "double:2.000000");
  EXPECT_EQ(tag(R"(,"type":"float64")", R"("-Infinity")"), "double:-inf");
  EXPECT_EQ(tag(R"(,"type":"binary")", R"("AQI")"), "bytes:\x01\x02");
  EXPECT_EQ(tag(R"(,"type":"binary")", R"("%%")"), "string:%%");
  EXPECT_EQ(tag("", "true"), "true");
  EXPECT_EQ(tag("", "7"), "int:7");
  EXPECT_EQ(tag("", "7.5"), "double:7.500000");
  EXPECT_EQ(tag(R"(,"type":"int16")", R"("7")"), "string:7");
}

TEST(JaegerJson, TakesTheOldParentSpanId) {
  SpanBatch batch;
  Decode(OneSpan(R"("parentSpanID":"a",)"), batch);
  EXPECT_EQ(batch.spans[0].parent_id.value, 10U);
  EXPECT_EQ(batch.spans[0].references.count, 0U);
  batch.Clear();
  Decode(OneSpan(R"("parentSpanID":"a","references":[{"refType":"CHILD_OF","traceID":"1",)"
                 R"("spanID":"A"}],)"),
         batch);
  EXPECT_EQ(batch.spans[0].parent_id.value, 10U);
  EXPECT_EQ(batch.spans[0].references.count, 0U);
  batch.Clear();
  Decode(OneSpan(R"("parentSpanID":"a","references":[{"refType":"FOLLOWS_FROM","spanID":"c"},)"
                 R"({"refType":"CHILD_OF","traceID":"1","spanID":"b"}],)"),
         batch);
  EXPECT_EQ(batch.spans[0].parent_id.value, 10U);
  EXPECT_EQ(batch.spans[0].parent_position, 0U);
  ASSERT_EQ(batch.spans[0].references.count, 2U);
  EXPECT_EQ(batch.references[0].span_id.value, 12U);
  EXPECT_EQ(batch.references[1].span_id.value, 11U);
}

TEST(JaegerJson, FindsTheProcess) {
  SpanBatch batch;
  Decode(R"({"spans":[{"traceID":"1","spanID":"2","process":{"serviceName":"inline"}},)"
         R"({"traceID":"1","spanID":"3","processID":"gone"},)"
         R"({"traceID":"1","spanID":"4","processID":"p9","process":{"serviceName":"inline"}}],)"
         R"("processes":{"p9":{"serviceName":"named","tags":null}}})",
         batch);
  ASSERT_EQ(batch.size(), 3U);
  EXPECT_EQ(ServiceOf(batch, batch.spans[0]), "inline");
  EXPECT_EQ(ServiceOf(batch, batch.spans[1]), "");
  EXPECT_EQ(ServiceOf(batch, batch.spans[2]), "named");
}

TEST(JaegerJson, SharesEqualProcessesOfManyTraces) {
  SpanBatch batch;
  const std::string trace = OneSpan("");
  Decode("[" + trace + "," + trace + "," + trace + "]", batch);
  EXPECT_EQ(batch.size(), 3U);
  EXPECT_EQ(batch.resources.size(), 1U);
}

TEST(JaegerJson, ReadsNumbersInEveryForm) {
  SpanBatch batch;
  Decode(OneSpan(R"("startTime":1542666452979000.0,"duration":"12","flags":1.0,)"), batch);
  EXPECT_EQ(batch.spans[0].start_ns, 1542666452979000000U);
  EXPECT_EQ(batch.spans[0].duration_ns, 12000U);
  EXPECT_EQ(batch.spans[0].flags, 1U);
  batch.Clear();
  Decode(OneSpan(R"("duration":-5,)"), batch);
  EXPECT_EQ(static_cast<std::int64_t>(batch.spans[0].duration_ns), -5000);
  EXPECT_NE(Encode(batch).find("\"duration\":-5,"), std::string::npos);
}

TEST(JaegerJson, RefusesASpanWithOneSentenceThatNamesIt) {
  EXPECT_EQ(Refused(R"({"traceID":"1","spans":[{"traceID":"1","spanID":"span-1"}]})"),
            "span 0 of trace '1': span id 'span-1' is not 1 to 16 hexadecimal digits");
  EXPECT_EQ(Refused(R"({"traceID":"t-1","spans":[{"traceID":"t-1","spanID":"1"}]})"),
            "span 0 of trace 't-1': trace id 't-1' is not 1 to 32 hexadecimal digits");
  EXPECT_EQ(Refused(R"({"spans":[{"traceID":"0","spanID":"1"}]})"),
            "span 0 of trace without id: its trace id is all zeros");
  EXPECT_EQ(Refused(R"({"spans":[{"traceID":"1"}]})"),
            "span 0 of trace without id: it has no spanID");
  EXPECT_EQ(Refused(R"({"spans":[{"spanID":"1"}]})"),
            "span 0 of trace without id: it has no traceID");
  EXPECT_EQ(Refused(R"({"spans":[7]})"),
            "span 0 of trace without id: span is a number, not an object");
  EXPECT_EQ(Refused(OneSpan(R"("startTime":-1,)")),
            "span 0 of trace '1': start time '-1' is no time in microseconds");
  EXPECT_EQ(Refused(OneSpan(R"("startTime":18446744073709552,)")),
            "span 0 of trace '1': start time '18446744073709552' is no time in microseconds");
  EXPECT_EQ(Refused(OneSpan(R"("duration":1e300,)")),
            "span 0 of trace '1': duration '1e+300' is no number of microseconds");
  EXPECT_EQ(Refused(OneSpan(R"("flags":4294967296,)")),
            "span 0 of trace '1': flags '4294967296' are no 32-bit number");
  EXPECT_EQ(Refused(OneSpan(R"("tags":[{"key":"a"},3],)")),
            "span 0 of trace '1': a member of tags is a number, not an object");
  EXPECT_EQ(Refused(OneSpan(R"("tags":{},)")),
            "span 0 of trace '1': tags is an object, not a list");
  EXPECT_EQ(Refused(OneSpan(R"("references":[{"refType":"X","spanID":"1"}],)")),
            "span 0 of trace '1': reference type 'X' is neither CHILD_OF nor FOLLOWS_FROM");
  EXPECT_EQ(Refused(OneSpan(R"("references":[{"spanID":"0123456789abcdef0"}],)")),
            "span 0 of trace '1': span id of a reference '0123456789abcdef0' is not 1 to 16 "
            "hexadecimal digits");
  EXPECT_EQ(Refused(OneSpan(R"("logs":[{"timestamp":1,"fields":[]},{"timestamp":"x"}],)")),
            "span 0 of trace '1': log timestamp 'x' is no time in microseconds");
  EXPECT_EQ(Refused(OneSpan(R"("operationName":["x"],)")),
            "span 0 of trace '1': operation name is a list, not a string");
  EXPECT_EQ(Refused(R"({"spans":[{"traceID":"1","spanID":"2","processID":"p"}],)"
                    R"("processes":{"p":3}})"),
            "span 0 of trace without id: process is a number, not an object");
}

TEST(JaegerJson, KeepsTheGoodSpansBesideABadOne) {
  SpanBatch batch;
  const auto report =
      Decode(R"({"traceID":"1","spans":[{"traceID":"1","spanID":"1","tags":[{"key":"a",)"
             R"("value":1}]},)"
             R"({"traceID":"1","spanID":"x"},{"traceID":"1","spanID":"y"},)"
             R"({"traceID":"1","spanID":"2","tags":[{"key":"a","value":2}]}]})",
             batch);
  EXPECT_EQ(report.accepted, 2U);
  EXPECT_EQ(report.rejected, 2U);
  EXPECT_EQ(report.reasons.at("span id is not 1 to 16 hexadecimal digits"), 2U);
  EXPECT_EQ(report.first_error,
            "span 1 of trace '1': span id 'x' is not 1 to 16 hexadecimal digits");
  EXPECT_EQ(batch.size(), 2U);
}

TEST(JaegerJson, RefusesWhatIsNoTrace) {
  EXPECT_EQ(ErrorOf(R"({"data":[{]})"), "not JSON: unexpected ']' at byte 10");
  EXPECT_EQ(ErrorOf(""), "not JSON: unexpected end at byte 0");
  EXPECT_EQ(ErrorOf("7"), "not Jaeger JSON: the text is a number");
  EXPECT_EQ(ErrorOf("{}"), "not Jaeger JSON: no \"data\" and no \"spans\"");
  EXPECT_EQ(ErrorOf(R"({"data":"x"})"), "not Jaeger JSON: \"data\" is neither list nor object");
  EXPECT_EQ(ErrorOf("[3]"), "trace 0 of the list is a number, not an object");
  EXPECT_EQ(ErrorOf(R"([{"traceID":"1","spans":[{"traceID":"1","spanID":"1"}]},{"spans":1}])"),
            "trace without id: spans is not a list");
  EXPECT_EQ(ErrorOf(R"({"spans":[],"processes":[]})"),
            "trace without id: processes is not an object");
}

TEST(JaegerJson, MendsTextsThatAreNone) {
  SpanBatch batch;
  const auto report = Decode(OneSpan("\"operationName\":\"a\xFF\\ud800\tb\","), batch);
  EXPECT_EQ(report.accepted, 1U);
  EXPECT_EQ(report.mended_texts, 1U);
  EXPECT_EQ(batch.text(batch.spans[0].name), "a\xEF\xBF\xBD\xEF\xBF\xBD\tb");
}

TEST(JaegerJson, BearsHostileText) {
  const std::string deep = std::string(100000, '[');
  EXPECT_EQ(ErrorOf(deep), "not JSON: nested deeper than 1024 levels at byte 1024");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_NE(ErrorOf(objects), "");
  EXPECT_EQ(ErrorOf(R"({"data":[{"spans":[{"startTime":1e999}]}]})"),
            "JSON with a number out of range");
  // Values nested within the limit are kept as text.
  SpanBatch batch;
  const std::string nested = std::string(900, '[') + std::string(900, ']');
  EXPECT_EQ(Decode(OneSpan("\"tags\":[{\"key\":\"k\",\"value\":" + nested + "}],"), batch).accepted,
            1U);
  // The last of equal names counts.
  batch.Clear();
  Decode(OneSpan(R"("operationName":"a","operationName":"b",)"), batch);
  EXPECT_EQ(batch.text(batch.spans[0].name), "b");
}

TEST(JaegerJson, AddsTheReadersWarnings) {
  SpanBatch batch;
  Decode(kFull, batch);
  const std::vector<std::vector<std::string>> warnings{{"third"}, {"only \"one\""}};
  JaegerJsonOptions options;
  options.warnings = warnings;
  const std::string text = Encode(batch, options);
  EXPECT_NE(text.find(R"("warnings":["first","second","third"])"), std::string::npos);
  EXPECT_NE(text.find(R"("warnings":["only \"one\""])"), std::string::npos);
}

TEST(JaegerJson, SortsTagsWhenAsked) {
  SpanBatch batch;
  Decode(OneSpan(R"("tags":[{"key":"b","value":1},{"key":"a","value":1},{"key":"b","value":0}],)"
                 R"("logs":[{"timestamp":1,"fields":[{"key":"z","value":1},)"
                 R"({"key":"event","value":"e"},{"key":"a","value":1}]}],)"),
         batch);
  const std::string text = Encode(batch, {.sort_tags = true, .warnings = {}});
  EXPECT_NE(text.find(R"("tags":[{"key":"a","type":"int64","value":1},)"
                      R"({"key":"b","type":"int64","value":1},{"key":"b","type":"int64",)"
                      R"("value":0}])"),
            std::string::npos);
  EXPECT_NE(text.find(R"("fields":[{"key":"event","type":"string","value":"e"},)"
                      R"({"key":"a","type":"int64","value":1},{"key":"z","type":"int64",)"
                      R"("value":1}])"),
            std::string::npos);
}

TEST(JaegerJson, WritesAnEmptyTrace) {
  EXPECT_EQ(Encode(SpanBatch{}), R"({"traceID":"","spans":[],"processes":{},"warnings":null})");
}

}  // namespace
}  // namespace tracestore::codec
