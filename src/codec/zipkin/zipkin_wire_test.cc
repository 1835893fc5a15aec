// What real clients sent to port 9411 (tests/data/wire), answered and given back as Zipkin 3.6.1
// did (tests/data/wire/expected-zipkin).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/testing/source_dir.h"
#include "codec/json/json_dom.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_message.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using simdjson::dom::array;
using simdjson::dom::element;

const std::filesystem::path kWire = std::filesystem::path(base::SourceDir()) / "tests/data/wire";

struct Capture {
  const char* file;
  ZipkinEncoding encoding;
  std::size_t spans;
};
constexpr Capture kCaptures[] = {
    {"otel-node-2.12.1-zipkin_v2_json.bin", ZipkinEncoding::kJsonV2, 3},
    {"otel-python-1.45.1-zipkin_v1_json.bin", ZipkinEncoding::kJsonV1, 3},
    {"otel-python-1.45.1-zipkin_v2_json.bin", ZipkinEncoding::kJsonV2, 3},
    {"otel-python-1.45.1-zipkin_v2_proto.bin", ZipkinEncoding::kProto3, 3},
    {"py_zipkin-0.20.2-zipkin_v1_thrift.bin", ZipkinEncoding::kThrift, 3},
    {"py_zipkin-1.2.8-zipkin_v1_json.bin", ZipkinEncoding::kJsonV1, 3},
    {"py_zipkin-1.2.8-zipkin_v2_json.bin", ZipkinEncoding::kJsonV2, 3},
    {"py_zipkin-1.2.8-zipkin_v2_proto.bin", ZipkinEncoding::kProto3, 3},
    {"zipkin-js-0.22.0-zipkin_v1_json.bin", ZipkinEncoding::kJsonV1, 3},
    {"zipkin-js-0.22.0-zipkin_v2_json.bin", ZipkinEncoding::kJsonV2, 3},
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

using Key = std::pair<std::string, std::string>;

// Zipkin's answers by trace and span id, minified.
std::map<Key, std::string> Expected() {
  JsonTree tree;
  const std::string answer = ReadFile(kWire / "expected-zipkin/traces.json");
  const auto root = tree.Parse(answer);
  EXPECT_TRUE(root.has_value());
  std::map<Key, std::string> expected;
  for (const element trace : array(*root)) {
    for (const element span : array(trace)) {
      expected[{PlainTextOf(span.at_key("traceId")), PlainTextOf(span.at_key("id"))}] =
          simdjson::minify(span);
    }
  }
  return expected;
}

TEST(ZipkinWire, SpansOfClientsComeOutAsZipkinGaveThem) {
  const auto expected = Expected();
  std::set<Key> compared;
  for (const Capture& capture : kCaptures) {
    SCOPED_TRACE(capture.file);
    SpanBatch batch;
    const auto report =
        DecodeZipkinMessage(ReadFile(kWire / capture.file), capture.encoding, batch);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(batch.size(), capture.spans);
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      const auto& span = batch.spans[row];
      const Key key{span.trace_id.ToShortHex(), span.span_id.ToHex()};
      const auto found = expected.find(key);
      ASSERT_NE(found, expected.end()) << key.first;
      std::string text;
      JsonWriter writer(text);
      WriteZipkinSpan(batch, row, writer);
      EXPECT_EQ(text, found->second);
      compared.insert(key);
    }
  }
  EXPECT_EQ(compared.size(), expected.size());  // none that Zipkin had is missing
}

TEST(ZipkinWire, TheBrokenThriftOfAClientIsRefusedAsZipkinRefusedIt) {
  SpanBatch batch;
  const auto report = DecodeZipkinMessage(ReadFile(kWire / "zipkin-js-0.22.0-zipkin_v1_thrift.bin"),
                                          ZipkinEncoding::kThrift, batch);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().message(), "traceId == 0 reading List<Span> from TBinary");
}

}  // namespace
}  // namespace tracestore::codec
