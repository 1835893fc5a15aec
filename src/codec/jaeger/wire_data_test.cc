// What real clients sent (tests/data/wire), compared with what Jaeger v1.76 stored of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "base/testing/source_dir.h"
#include "codec/jaeger/jaeger_json.h"
#include "codec/jaeger/protobuf_decoder.h"
#include "codec/jaeger/thrift_decoder.h"
#include "codec/json/json_dom.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using simdjson::dom::array;
using simdjson::dom::element;

const std::filesystem::path kWire = std::filesystem::path(base::SourceDir()) / "tests/data/wire";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void Remove(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part))
    text.erase(at, part.size());
}

// Differences to Jaeger's answers, each with its reason.
std::string Normalised(std::string text) {
  // A mark of Jaeger's own of the format a span came in; our origin says it without a tag.
  const std::string format = R"({"key":"@jaeger@format","type":"string","value":"jaeger"})";
  const std::string proto = R"({"key":"@jaeger@format","type":"string","value":"proto"})";
  // v1.76 takes a duration of zero for a negative one and marks it; zero is not negative.
  const std::string zero =
      R"({"key":"InvalidNegativeDuration","type":"binary",)"
      R"("value":"RHVyYXRpb24gY2FuJ3QgYmUgbmVnYXRpdmUsIHNvIGl0IGlzIGNoYW5nZWQgdG8gZGVmYXVsdCB2YWx1ZQ=="})";
  for (const std::string& tag : {format, proto, zero}) {
    Remove(text, tag + ",");
    Remove(text, "," + tag);
    Remove(text, tag);
  }
  return text;
}

// Jaeger's query service shows the tags of a span that name its SDK among those of the process,
// beside equal ones.
void MoveSdkTags(std::string& span, std::string& process) {
  for (std::size_t at = 0; (at = span.find(R"({"key":"telemetry.sdk.)")) != std::string::npos;) {
    const std::string tag = span.substr(at, span.find('}', at) + 1 - at);
    Remove(span, (span[at - 1] == ',' ? "," : "") + tag);
    const std::string key = tag.substr(0, tag.find(R"(","type")") + 1);
    const std::size_t equal = process.find(key);
    const std::size_t list = process.find(R"("tags":[)") + 8;
    if (equal != std::string::npos) {
      process.insert(equal, tag + ",");
    } else if (process[list] == ']') {
      process.insert(list, tag);
    } else {  // they are the last by name
      process.insert(process.find(']', list), "," + tag);
    }
  }
}

// Each span with its process, as minified JSON, by ids.
using Spans = std::map<std::pair<std::string, std::string>, std::string>;

void Collect(const std::string& answer, Spans& out) {
  JsonTree tree;
  const auto root = tree.Parse(answer);
  ASSERT_TRUE(root.has_value());
  for (const element trace : array((*root)["data"])) {
    for (const element span : array(trace["spans"])) {
      const std::string process = PlainTextOf(span["processID"]);
      std::string text = simdjson::minify(span);
      const std::string id = R"("processID":")" + process + '"';
      text.replace(text.find(id), id.size(), R"("processID":"p")");
      std::string process_text = simdjson::minify(element(trace["processes"][process]));
      MoveSdkTags(text, process_text);
      out[{PlainTextOf(span["traceID"]), PlainTextOf(span["spanID"])}] =
          Normalised(text) + process_text;
    }
  }
}

// The spans of `batch` are those of the answer, all of them and no others; ids that other captures
// put into the same answer are told by their trace.
void ExpectAsJaeger(const SpanBatch& batch, const std::string& answer) {
  Spans expected, ours;
  Collect(ReadFile(kWire / answer), expected);
  std::set<std::string> traces;
  std::string text = R"({"data":[)";
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    traces.insert(batch.spans[row].trace_id.ToShortHex());
    if (row > 0) text += ',';
    EncodeJaegerTrace(batch, {&row, 1}, {.sort_tags = true, .warnings = {}}, text);
  }
  Collect(text + "]}", ours);
  std::erase_if(expected, [&](const auto& entry) { return !traces.contains(entry.first.first); });
  EXPECT_GT(ours.size(), 0U);
  EXPECT_EQ(ours, expected);
}

struct Capture {
  const char* file;
  ThriftProtocol protocol;
  JaegerThriftShape shape;
  const char* answer;
};

TEST(JaegerWireData, ThriftOfRealClientsIsReadAsJaegerReadsIt) {
  constexpr auto kUdp = JaegerThriftShape::kMessage;
  constexpr auto kBody = JaegerThriftShape::kBatch;
  const Capture captures[] = {
      {"jaeger-client-python-4.8.0-jaeger_thrift_compact.bin", ThriftProtocol::kCompact, kUdp,
       "expected-jaeger-v1-udp/wire-jaeger-python.traces.json"},
      {"jaeger-client-python-4.8.0-remote-sampler-jaeger_thrift_compact.bin",
       ThriftProtocol::kCompact, kUdp, "expected-jaeger-v1-udp/wire-jaeger-python.traces.json"},
      {"jaeger-client-go-2.30.0-jaeger_thrift_compact.bin", ThriftProtocol::kCompact, kUdp,
       "expected-jaeger-v1-udp/wire-jaeger-go.traces.json"},
      {"jaeger-client-go-2.30.0-http_thrift_binary.bin", ThriftProtocol::kBinary, kBody,
       "expected-jaeger-v1/wire-jaeger-go.traces.json"},
      {"jaeger-client-java-1.8.1-jaeger_thrift_compact.bin", ThriftProtocol::kCompact, kUdp,
       "expected-jaeger-v1-udp/wire-jaeger-java.traces.json"},
      {"jaeger-client-java-1.8.1-http_thrift_binary.bin", ThriftProtocol::kBinary, kBody,
       "expected-jaeger-v1/wire-jaeger-java.traces.json"},
      {"otel-python-1.21.0-jaeger_thrift_compact.bin", ThriftProtocol::kCompact, kUdp,
       "expected-jaeger-v1-udp/wire-otel-python-jaeger-thrift-udp.traces.json"},
      {"otel-python-1.21.0-http_thrift_binary.bin", ThriftProtocol::kBinary, kBody,
       "expected-jaeger-v1/wire-otel-python-jaeger-thrift-http.traces.json"},
  };
  for (const Capture& capture : captures) {
    SCOPED_TRACE(capture.file);
    SpanBatch batch;
    const auto report =
        DecodeJaegerThrift(ReadFile(kWire / capture.file), capture.protocol, capture.shape, batch);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->first_error, "");
    ExpectAsJaeger(batch, capture.answer);
  }
}

TEST(JaegerWireData, ProtobufOfARealClientIsReadAsJaegerReadsIt) {
  SpanBatch batch;
  const auto report =
      DecodeJaegerProtobuf(ReadFile(kWire / "otel-python-1.21.0-api_v2_PostSpans.bin"), batch);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->first_error, "");
  ExpectAsJaeger(batch, "expected-jaeger-v1/wire-otel-python-jaeger-grpc.traces.json");
}

}  // namespace
}  // namespace tracestore::codec
