#include <string>

#include "codec/zipkin/zipkin_convert.h"
#include "codec/zipkin/zipkin_v1.h"
#include "codec/zipkin/zipkin_v1_json.h"

namespace tracestore::codec {
namespace {

class Writer {
 public:
  explicit Writer(JsonWriter& out) : out_(out) {}

  // In the order of fields in which Zipkin writes them; the name is always there.
  void Span(const ZipkinV1Span& span) {
    out_.BeginObject();
    Text("traceId", span.trace_id.ToShortHex());
    if (!span.parent_id.empty()) Text("parentId", span.parent_id.ToHex());
    Text("id", span.id.ToHex());
    Text("name", span.name);
    if (span.timestamp_us != 0) Number("timestamp", span.timestamp_us);
    if (span.duration_us != 0) Number("duration", span.duration_us);
    Annotations(span);
    Binaries(span);
    if (span.debug) True("debug");
    out_.EndObject();
  }

 private:
  void Text(std::string_view key, std::string_view text) {
    out_.Key(key);
    out_.String(text);
  }
  void Number(std::string_view key, std::uint64_t value) {
    out_.Key(key);
    out_.Uint(value);
  }
  void True(std::string_view key) {
    out_.Key(key);
    out_.Bool(true);
  }
  void Host(const ZipkinV1Span& span, std::uint32_t index) {
    const ZipkinEndpoint* const endpoint = span.EndpointAt(index);
    if (endpoint == nullptr) return;
    out_.Key("endpoint");
    WriteZipkinEndpoint(*endpoint, out_);
  }

  void Annotations(const ZipkinV1Span& span) {
    if (span.annotations.empty()) return;
    out_.Key("annotations");
    out_.BeginArray();
    for (const auto& annotation : span.annotations) {
      out_.BeginObject();
      Number("timestamp", annotation.timestamp_us);
      Text("value", annotation.value);
      Host(span, annotation.endpoint);
      out_.EndObject();
    }
    out_.EndArray();
  }

  void Binaries(const ZipkinV1Span& span) {
    if (span.binaries.empty()) return;
    out_.Key("binaryAnnotations");
    out_.BeginArray();
    for (const auto& binary : span.binaries) {
      out_.BeginObject();
      Text("key", binary.key);
      if (binary.address)
        True("value");
      else
        Text("value", binary.value);
      Host(span, binary.endpoint);
      out_.EndObject();
    }
    out_.EndArray();
  }

  JsonWriter& out_;
};

}  // namespace

void EncodeZipkinV1Json(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                        std::string& out) {
  ZipkinConverter converter(batch);
  ZipkinV1Span span;
  JsonWriter json(out);
  Writer writer(json);
  json.BeginArray();
  for (const std::uint32_t row : rows) {
    ToZipkinV1(converter.Convert(row), span);
    writer.Span(span);
  }
  json.EndArray();
}

}  // namespace tracestore::codec
