// Zipkin v2 JSON from the model, in Zipkin's order of fields and normal form
// (docs/format/zipkin-json.md).
#include "codec/zipkin/zipkin_convert.h"
#include "codec/zipkin/zipkin_json.h"

namespace tracestore::codec {
namespace {

const char* KindName(SpanKind kind) {
  switch (kind) {
    case SpanKind::kClient: return "CLIENT";
    case SpanKind::kServer: return "SERVER";
    case SpanKind::kProducer: return "PRODUCER";
    case SpanKind::kConsumer: return "CONSUMER";
    case SpanKind::kInternal:
    case SpanKind::kUnspecified: break;
  }
  return nullptr;
}

class Writer {
 public:
  explicit Writer(JsonWriter& out) : out_(out) {}

  void Span(const ZipkinSpan& span) {
    out_.BeginObject();
    Text("traceId", span.trace_id.ToShortHex());
    if (!span.parent_id.empty()) Text("parentId", span.parent_id.ToHex());
    Text("id", span.id.ToHex());
    if (const char* kind = KindName(span.kind)) Text("kind", kind);
    if (!span.name.empty()) Text("name", span.name);
    if (span.timestamp_us != 0) Number("timestamp", span.timestamp_us);
    if (span.duration_us != 0) Number("duration", span.duration_us);
    Endpoint("localEndpoint", span.local);
    Endpoint("remoteEndpoint", span.remote);
    Lists(span);
    if (span.debug) True("debug");
    if (span.shared) True("shared");
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
  void Endpoint(std::string_view key, const ZipkinEndpoint& endpoint) {
    if (endpoint.empty()) return;
    out_.Key(key);
    WriteZipkinEndpoint(endpoint, out_);
  }
  void Lists(const ZipkinSpan& span) {
    if (!span.annotations.empty()) {
      out_.Key("annotations");
      out_.BeginArray();
      for (const auto& [timestamp_us, value] : span.annotations) {
        out_.BeginObject();
        Number("timestamp", timestamp_us);
        Text("value", value);
        out_.EndObject();
      }
      out_.EndArray();
    }
    if (!span.tags.empty()) {
      out_.Key("tags");
      out_.BeginObject();
      for (const auto& [key, value] : span.tags) Text(key, value);
      out_.EndObject();
    }
  }

  JsonWriter& out_;
};

}  // namespace

void WriteZipkinEndpoint(const ZipkinEndpoint& endpoint, JsonWriter& out) {
  const auto text = [&out](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    out.Key(key);
    out.String(value);
  };
  out.BeginObject();
  text("serviceName", endpoint.service);
  text("ipv4", endpoint.ipv4);
  text("ipv6", endpoint.ipv6);
  if (endpoint.port != 0) {
    out.Key("port");
    out.Uint(endpoint.port);
  }
  out.EndObject();
}

void WriteZipkinSpan(const model::SpanBatch& batch, std::uint32_t row, JsonWriter& out) {
  ZipkinConverter converter(batch);
  Writer(out).Span(converter.Convert(row));
}

void EncodeZipkinSpans(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                       std::string& out) {
  ZipkinConverter converter(batch);
  JsonWriter json(out);
  Writer writer(json);
  json.BeginArray();
  for (const std::uint32_t row : rows) writer.Span(converter.Convert(row));
  json.EndArray();
}

}  // namespace tracestore::codec
