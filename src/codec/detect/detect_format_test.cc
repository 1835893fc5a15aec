#include "codec/detect/detect_format.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/testing/source_dir.h"

namespace tracestore::codec {
namespace {

std::string Detected(std::string_view content) {
  const auto format = DetectFormat(content);
  return format.has_value() ? FormatName(*format) : "error: " + format.error().message();
}

constexpr std::string_view kKnown =
    ": OTLP (protobuf, JSON, JSON Lines), Jaeger (JSON, protobuf, Thrift) and Zipkin (v2 JSON, "
    "protobuf, v1 JSON, Thrift) are read";

TEST(Format, NamesParseBack) {
  for (const Format format : {Format::kOtlpProtobuf, Format::kOtlpJson, Format::kOtlpJsonLines,
                              Format::kJaegerJson, Format::kJaegerThrift, Format::kJaegerProtobuf,
                              Format::kZipkinJson, Format::kZipkinProtobuf, Format::kZipkinV1Json,
                              Format::kZipkinV1Thrift}) {
    const auto parsed = ParseFormat(FormatName(format));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, format);
  }
  EXPECT_EQ(ParseFormat("xml").error().message(),
            "format 'xml' is none of otlp-proto, otlp-json, otlp-jsonl, jaeger, zipkin, "
            "jaeger-thrift, jaeger-proto, zipkin-proto, zipkin-v1, zipkin-v1-thrift");
}

TEST(DetectFormat, TellsJsonByItsKeys) {
  EXPECT_EQ(Detected(R"({"resourceSpans":[]})"), "otlp-json");
  EXPECT_EQ(Detected("\n {\"resource_spans\" : [ {\"x\":\"}\\\"{\"} ] , \"y\":1} \n"), "otlp-json");
  EXPECT_EQ(Detected("{\"resourceSpans\":[]}\n{\"resourceSpans\":[]}\n"), "otlp-jsonl");
  EXPECT_EQ(Detected("{}\n{\"resourceSpans\":[]}\n"), "otlp-jsonl");
  EXPECT_EQ(Detected(R"({"data":[]})"), "jaeger");
  EXPECT_EQ(Detected(R"({"total":0,"errors":[{"a":["]"]}],"data":[]})"), "jaeger");
  EXPECT_EQ(Detected(R"({"_comment":"x","traceID":"1","spans":[]})"), "jaeger");
  EXPECT_EQ(Detected(R"([{"processes":{}}])"), "jaeger");
  EXPECT_EQ(Detected(R"([{"traceId":"1","id":"2"}])"), "zipkin");
  EXPECT_EQ(Detected(R"([{"kind":"CLIENT","tags":{"data":"x"},"id":"2"}])"), "zipkin");
  EXPECT_EQ(Detected(R"([[{"traceId":"1","id":"2"}]])"), "zipkin");
  EXPECT_EQ(Detected("[[],[]]"), "zipkin");
  EXPECT_EQ(Detected("[]"), "zipkin");
  EXPECT_EQ(Detected(R"({"id":"2","traceId":"1"})"), "zipkin");
  EXPECT_EQ(Detected("\xEF\xBB\xBF{\"data\":[]}"), "jaeger");
}

TEST(DetectFormat, TellsBrokenJsonByWhatCameBeforeTheBreak) {
  EXPECT_EQ(Detected(R"({"data":[{)"), "jaeger");
  EXPECT_EQ(Detected(R"({"data")"), "jaeger");
  EXPECT_EQ(Detected(R"({"resourceSpans":[{"a)"), "otlp-json");
  EXPECT_EQ(Detected(R"([{"traceId)"), "zipkin");
}

TEST(DetectFormat, TellsProtobufFromALineFeed) {
  EXPECT_EQ(Detected(std::string("\n\0", 2)), "otlp-proto");
  EXPECT_EQ(Detected("\n{\"data\":[]}"), "jaeger");
  // A field 1 of 0x7B = '{' bytes, that is one resource spans with 121 bytes of resource.
  const std::string inner = "\n\x79" + std::string(121, 'x');
  EXPECT_EQ(Detected("\n{" + inner), "otlp-proto");
  EXPECT_EQ(Detected("\n\x10" "broken"), "otlp-proto");
}

TEST(DetectFormat, TellsZipkinsVersionsAndEncodings) {
  EXPECT_EQ(Detected(R"([{"traceId":"1","id":"2","binaryAnnotations":[]}])"), "zipkin-v1");
  EXPECT_EQ(Detected(R"([{"traceId":"1","annotations":[{"timestamp":1,"value":"cs",)"
                     R"("endpoint":{}}]}])"),
            "zipkin-v1");
  EXPECT_EQ(Detected(R"([{"traceId":"1","tags":{"endpoint":"x","binaryAnnotations":""}}])"),
            "zipkin");
  EXPECT_EQ(Detected(R"([{"traceId":"1","remoteEndpoint":{}}])"), "zipkin");
  const std::string ids = "\x0A\x08traceid8\x1A\x08spanid_8";
  const auto list = [](const std::string& span) {
    return "\x0A" + std::string(1, static_cast<char>(span.size())) + span;
  };
  EXPECT_EQ(Detected(list(ids)), "zipkin-proto");
  EXPECT_EQ(Detected(list("\x0A\x10" "sixteen bytes id\x12\x08parentid\x1A\x08spanid_8")),
            "zipkin-proto");
  // A schema url of another length, scope spans, or groups are OTLP's.
  EXPECT_EQ(Detected(list("\x0A\x08traceid8\x1A\x07spanid7")), "otlp-proto");
  EXPECT_EQ(Detected(list("\x0A\x00\x12\x02\x0A\x00\x1A\x08spanid_8")), "otlp-proto");
  EXPECT_EQ(Detected(std::string("\x0C\0\0\0\1\0", 6)), "zipkin-v1-thrift");
  EXPECT_EQ(Detected(std::string("\x0C\0\0\0\2\0", 6)).substr(0, 6), "error:");
}

TEST(DetectFormat, TellsJaegersEncodings) {
  const std::string wire = base::SourceDir() + std::string("/tests/data/wire/");
  for (const auto& entry : std::filesystem::directory_iterator(wire)) {
    const std::string name = entry.path().filename().string();
    const bool thrift = name.find("thrift_compact") != std::string::npos ||
                        name.find("http_thrift") != std::string::npos;
    const bool proto = name.find("PostSpans") != std::string::npos;
    const bool zipkin = name.find("zipkin") != std::string::npos;
    if (zipkin || (!thrift && !proto)) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    EXPECT_EQ(Detected(bytes.str()), thrift ? "jaeger-thrift" : "jaeger-proto") << name;
  }
  const std::string_view call("\x80\x01\x00\x01\x00\x00\x00\x0DsubmitBatches\0\0\0\0\0", 26);
  EXPECT_EQ(Detected(call), "jaeger-thrift");
  EXPECT_EQ(Detected("\x82\x21\x01\x04ping").substr(0, 6), "error:");
}

TEST(DetectFormat, RefusesEverythingElse) {
  EXPECT_EQ(Detected(""), "error: the input is empty");
  EXPECT_EQ(Detected("hello"), "error: content of no known trace format" + std::string(kKnown));
  EXPECT_EQ(Detected("{}"),
            "error: a JSON object without a key of any trace format" + std::string(kKnown));
  EXPECT_EQ(Detected("[1]"), "error: a JSON list that holds no spans" + std::string(kKnown));
  EXPECT_EQ(Detected("[[1]]"), "error: a JSON list that holds no spans" + std::string(kKnown));
  EXPECT_EQ(Detected("[{}]"), "error: a JSON list of objects without a key of any trace format" +
                                  std::string(kKnown));
  EXPECT_EQ(Detected(R"({"resourceMetrics":[]})"), "error: OTLP of another signal than traces");
}

TEST(DetectFormat, EndsOnHostileText) {
  std::string deep(1000000, '[');
  EXPECT_EQ(Detected("{\"x\":" + deep + "}").substr(0, 6), "error:");
  EXPECT_EQ(Detected(deep).substr(0, 6), "error:");
  EXPECT_EQ(Detected("{\"\\").substr(0, 6), "error:");
  EXPECT_EQ(Detected("{\"a\":\"\\").substr(0, 6), "error:");
  EXPECT_EQ(Detected("{\"a\":,,,,}").substr(0, 6), "error:");
  EXPECT_EQ(Detected(std::string("{\"a\":\0\0}", 8)).substr(0, 6), "error:");
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char bytes[] = {static_cast<char>(first), static_cast<char>(second), '"', '{'};
      (void)DetectFormat({bytes, 4});
    }
  }
}

}  // namespace
}  // namespace tracestore::codec
