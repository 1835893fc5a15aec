// OTLP as real SDKs sent it (tests/data/wire, captured for this project), and as others wrote it
// down (base::SharedData).
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/testing/source_dir.h"
#include "codec/otlp/json_decoder.h"
#include "codec/otlp/json_encoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/otlp/testing/otlp_test_util.h"

namespace tracestore::codec {
namespace {

const std::filesystem::path kSource = base::SourceDir();

// Both encodings, written and read again, say the same.
void ExpectRoundTrips(const model::SpanBatch& batch) {
  std::string bytes;
  EncodeOtlpProtobuf(batch, bytes);
  model::SpanBatch from_bytes;
  ASSERT_TRUE(DecodeOtlpProtobuf(bytes, from_bytes).has_value());
  ExpectSameSpans(batch, from_bytes);
  std::string text;
  EncodeOtlpJson(batch, text);
  model::SpanBatch from_text;
  ASSERT_TRUE(DecodeOtlpJson(text, from_text).has_value());
  ExpectSameSpans(batch, from_text);
}

model::SpanBatch DecodeFile(const std::filesystem::path& path, bool json) {
  const std::string content = ReadFile(path);
  EXPECT_FALSE(content.empty()) << path;
  model::SpanBatch out;
  const auto report = json ? DecodeOtlpJson(content, out) : DecodeOtlpProtobuf(content, out);
  EXPECT_TRUE(report.has_value()) << path << ": " << report.error().message();
  if (report.has_value()) {
    EXPECT_EQ(report->rejected, 0U) << path << ": " << report->first_error;
  }
  return out;
}

struct Capture {
  const char* file;
  bool json;
  const char* service;
};
void PrintTo(const Capture& capture, std::ostream* out) { *out << capture.file; }

class WireCapture : public testing::TestWithParam<Capture> {};

TEST_P(WireCapture, IsReadInFullAndRoundTrips) {
  const Capture& capture = GetParam();
  const model::SpanBatch batch =
      DecodeFile(kSource / "tests/data/wire" / capture.file, capture.json);
  std::set<std::string> names;
  std::set<std::string> event_names;
  for (const model::SpanRecord& span : batch.spans) {
    EXPECT_EQ(model::ServiceOf(batch, span), capture.service);
    EXPECT_EQ(batch.text(batch.scopes[span.scope].name), "wire.test");
    EXPECT_TRUE(span.has_start() && span.has_duration());
    names.insert(std::string(batch.text(span.name)));
    for (std::uint32_t i = 0; i < span.events.count; ++i)
      event_names.insert(std::string(batch.text(batch.events[span.events.begin + i].name)));
  }
  EXPECT_EQ(names, (std::set<std::string>{"child-op", "followup-op", "root-op"}));
  EXPECT_TRUE(event_names.contains("exception"));
  ExpectRoundTrips(batch);
}

INSTANTIATE_TEST_SUITE_P(
    Otlp, WireCapture,
    testing::Values(
        Capture{"otel-node-0.223.1-otlp_grpc.bin", false, "wire-otel-node-otlp-grpc"},
        Capture{"otel-node-0.223.1-otlp_http_json.bin", true, "wire-otel-node-otlp-http-json"},
        Capture{"otel-node-0.223.1-otlp_http_proto.bin", false, "wire-otel-node-otlp-http-proto"},
        Capture{"otel-python-1.45.2-otlp_grpc.bin", false, "wire-otel-python-otlp-grpc"},
        Capture{"otel-python-1.45.2-otlp_http_proto.bin", false, "wire-otel-python-otlp-http"}));

TEST(SharedData, OtlpFilesOfOthersAreReadAndRoundTrip) {
  if (!base::SharedDataIsThere()) return;
  const std::filesystem::path shared = base::SharedData();
  const std::filesystem::path fixtures =
      shared / "jaeger-fixtures/cmd/jaeger/internal/extension/jaegerquery/internal/fixture";
  for (const auto& [path, spans] : std::vector<std::pair<std::filesystem::path, std::size_t>>{
           {shared / "otlp-examples/trace.json", 1},
           {shared / "jaeger-ui/fixtures-otlp2jaeger-in.json", 2},
           {shared / "jaeger-ui/fixtures-otlp2jaeger-multi-in-combined.json", 4},
           {fixtures / "otlp2jaeger-in.json", 2}}) {
    SCOPED_TRACE(path);
    const model::SpanBatch batch = DecodeFile(path, true);
    EXPECT_EQ(batch.size(), spans);
    ExpectRoundTrips(batch);
  }
}

}  // namespace
}  // namespace tracestore::codec
