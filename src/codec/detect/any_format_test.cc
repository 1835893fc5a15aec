#include "codec/detect/any_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/testing/source_dir.h"
#include "codec/detect/decompress.h"
#include "codec/detect/detect_format.h"
#include "codec/jaeger/jaeger_json.h"
#include "codec/json/json_dom.h"
#include "codec/testing/arbitrary_batch.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

const std::filesystem::path kData = base::SharedData();

constexpr Format kFormats[] = {Format::kOtlpProtobuf, Format::kOtlpJson, Format::kOtlpJsonLines,
                               Format::kJaegerJson, Format::kJaegerThrift, Format::kJaegerProtobuf,
                               Format::kZipkinJson, Format::kZipkinProtobuf, Format::kZipkinV1Json,
                               Format::kZipkinV1Thrift};

bool IsZipkin(Format format) {
  return format == Format::kZipkinJson || format == Format::kZipkinProtobuf ||
         format == Format::kZipkinV1Json || format == Format::kZipkinV1Thrift;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

ArbitraryOptions OptionsOf(Format format) {
  ArbitraryOptions options;
  options.weird_graph = false;
  if (format == Format::kJaegerJson || format == Format::kJaegerThrift ||
      format == Format::kJaegerProtobuf) {
    options.origin = Origin::kJaeger;
  }
  // Thrift groups spans by process, the others keep their order.
  if (format == Format::kJaegerThrift) options.resources = 1;
  if (IsZipkin(format)) options.origin = Origin::kZipkin;
  return options;
}

// Whatever a format writes is found to be of that format, and read again, span by span.
TEST(AnyFormat, ReadsWhatItWrites) {
  for (const Format format : kFormats) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(std::string(FormatName(format)) + " seed " + std::to_string(seed));
      const SpanBatch batch = ArbitraryBatch(seed, OptionsOf(format));
      const auto traces = GroupByTrace(batch);
      std::string text;
      ASSERT_TRUE(EncodeAny(batch, traces, format, text).has_value());
      const auto detected = DetectFormat(text);
      ASSERT_TRUE(detected.has_value()) << detected.error().message();
      ASSERT_EQ(*detected, format);
      SpanBatch again;
      const auto report = DecodeAny(text, std::nullopt, again);
      ASSERT_TRUE(report.has_value()) << report.error().message();
      ASSERT_EQ((*report).first_error, "");
      ASSERT_EQ(again.size(), batch.size());
      std::size_t at = 0;
      for (const auto& rows : traces) {
        for (const std::uint32_t row : rows) {
          ASSERT_EQ(again.spans[at].span_id, batch.spans[row].span_id);
          // Zipkin's sort tags, Thrift has no warnings: their own tests look closer.
          if (!IsZipkin(format) && format != Format::kJaegerThrift) {
            ASSERT_TRUE(SpansEqual(batch, batch.spans[row], again, again.spans[at]))
                << DescribeSpan(batch, batch.spans[row]) << "\n"
                << DescribeSpan(again, again.spans[at]);
          }
          ++at;
        }
      }
    }
  }
}

TEST(AnyFormat, ConvertsEveryFormatToEveryOther) {
  for (const Format from : kFormats) {
    for (const Format to : kFormats) {
      SCOPED_TRACE(std::string(FormatName(from)) + " to " + FormatName(to));
      const SpanBatch batch = ArbitraryBatch(11, OptionsOf(from));
      std::string text;
      ASSERT_TRUE(EncodeAny(batch, GroupByTrace(batch), to, text).has_value());
      SpanBatch again;
      const auto report = DecodeAny(text, to, again);
      ASSERT_TRUE(report.has_value()) << report.error().message();
      EXPECT_EQ((*report).accepted, batch.size());
      EXPECT_EQ((*report).first_error, "");
    }
  }
}

TEST(AnyFormat, GroupsByTraceInOrder) {
  SpanBatch batch;
  for (const std::uint64_t trace : {7, 3, 7, 9, 3}) {
    batch.spans.emplace_back();
    batch.spans.back().trace_id = {0, trace};
  }
  EXPECT_EQ(GroupByTrace(batch),
            (std::vector<std::vector<std::uint32_t>>{{0, 2}, {1, 4}, {3}}));
}

TEST(AnyFormat, SaysWhatIsWrong) {
  SpanBatch batch;
  EXPECT_EQ(DecodeAny("", std::nullopt, batch).error().message(), "the input is empty");
  EXPECT_EQ(DecodeAny("{\"data\":[{]}", std::nullopt, batch).error().message(),
            "not JSON: unexpected ']' at byte 10");
  EXPECT_EQ(DecodeAny("[]", Format::kOtlpProtobuf, batch).error().code(),
            ErrorCode::kInvalidArgument);
}

// The spans of an answer of /api/traces by trace and span id, and the processes by trace.
using Spans = std::map<std::pair<std::string, std::string>, std::string>;

void CollectSpans(const std::string& answer, Spans& out) {
  JsonTree tree;
  const auto root = tree.Parse(answer);
  ASSERT_TRUE(root.has_value());
  for (const element trace : array((*root)["data"])) {
    for (const element span : array(trace["spans"])) {
      const std::string process = PlainTextOf(span["processID"]);
      out[{PlainTextOf(span["traceID"]), PlainTextOf(span["spanID"])}] =
          simdjson::minify(span) + simdjson::minify(element(trace["processes"][process]));
    }
  }
}

Spans ExpectedSpans() {
  Spans spans;
  for (const auto& entry : std::filesystem::directory_iterator(kData / "wire/expected-jaeger-v1")) {
    if (entry.path().string().ends_with(".traces.json"))
      CollectSpans(ReadFile(entry.path()), spans);
  }
  return spans;
}

// The number of spans of `name`* that Jaeger's answers hold; each must be as Jaeger wrote it.
std::size_t CompareWithJaeger(const std::string& suffix, const Spans& expected) {
  std::size_t compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kData / "wire")) {
    if (!entry.path().string().ends_with(suffix)) continue;
    SCOPED_TRACE(entry.path().string());
    const auto content = Decompress(ReadFile(entry.path()), kMaxContentBytes);
    EXPECT_TRUE(content.has_value());
    SpanBatch batch;
    const auto report = DecodeAny(*content, std::nullopt, batch);
    EXPECT_TRUE(report.has_value()) << report.error().message();
    if (!report.has_value()) continue;
    for (const auto& rows : GroupByTrace(batch)) {
      std::string text = R"({"data":[)";
      EncodeJaegerTrace(batch, rows, {.sort_tags = true, .warnings = {}}, text);
      Spans spans;
      CollectSpans(text + "]}", spans);
      for (const auto& [ids, span] : spans) {
        const auto found = expected.find(ids);
        if (found == expected.end()) continue;
        EXPECT_EQ(span, found->second);
        ++compared;
      }
    }
  }
  return compared;
}

// What OTLP clients sent, as Jaeger v1.76 answered it.
TEST(AnyFormatData, WritesOtlpSpansAsJaegerDoes) {
  if (!base::SharedDataIsThere()) return;
  const Spans expected = ExpectedSpans();
  EXPECT_GE(CompareWithJaeger("otlp_grpc.bin", expected), 4U);
  EXPECT_GE(CompareWithJaeger("otlp_http_proto.bin", expected), 4U);
  EXPECT_GE(CompareWithJaeger("otlp_http_proto_gzip.bin", expected), 2U);
  EXPECT_GE(CompareWithJaeger("otlp_http_json.bin", expected), 2U);
}

// And Zipkin clients; those of OpenTelemetry send resource tags, which Jaeger tells from others.
TEST(AnyFormatData, WritesZipkinSpansAsJaegerDoes) {
  if (!base::SharedDataIsThere()) return;
  const Spans expected = ExpectedSpans();
  EXPECT_GE(CompareWithJaeger("py_zipkin-1.2.8-zipkin_v2_json.bin", expected), 3U);
  EXPECT_GE(CompareWithJaeger("zipkin-js-0.22.0-zipkin_v2_json.bin", expected), 3U);
}

TEST(AnyFormatData, KnowsEveryRealFile) {
  if (!base::SharedDataIsThere()) return;
  const std::pair<const char*, const char*> kFolders[] = {
      {"zipkin-lens", "zipkin"}, {"crisp", "jaeger"}, {"deathstarbench", "jaeger"}};
  for (const auto& [folder, name] : kFolders) {
    for (const auto& entry : std::filesystem::directory_iterator(kData / folder)) {
      if (entry.path().extension() != ".json") continue;
      SCOPED_TRACE(entry.path().string());
      const auto format = DetectFormat(ReadFile(entry.path()));
      ASSERT_TRUE(format.has_value()) << format.error().message();
      EXPECT_STREQ(FormatName(*format), name);
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(kData / "jaeger-ui")) {
    const std::string name = entry.path().filename().string();
    if (name.find("Trace") == std::string::npos) continue;
    const auto format = DetectFormat(ReadFile(entry.path()));
    ASSERT_TRUE(format.has_value()) << name;
    EXPECT_EQ(*format, Format::kJaegerJson) << name;
  }
  const auto otlp = DetectFormat(ReadFile(kData / "otlp-examples/trace.json"));
  ASSERT_TRUE(otlp.has_value());
  EXPECT_EQ(*otlp, Format::kOtlpJson);
}

}  // namespace
}  // namespace tracestore::codec
