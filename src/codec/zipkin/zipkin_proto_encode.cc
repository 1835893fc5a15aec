#include <arpa/inet.h>

#include <string>

#include "base/bytes.h"
#include "codec/wire/wire_reader.h"
#include "codec/zipkin/zipkin_convert.h"
#include "codec/zipkin/zipkin_proto.h"
#include "codec/zipkin/zipkin_proto_fields.h"

namespace tracestore::codec {
namespace {

namespace field = zipkin_field;

std::uint64_t NumberOf(SpanKind kind) {
  switch (kind) {
    case SpanKind::kClient: return field::kKindClient;
    case SpanKind::kServer: return field::kKindServer;
    case SpanKind::kProducer: return field::kKindProducer;
    case SpanKind::kConsumer: return field::kKindConsumer;
    case SpanKind::kInternal:
    case SpanKind::kUnspecified: break;
  }
  return 0;
}

class Writer {
 public:
  explicit Writer(std::string& out) : wire_(out) {}

  void Span(const ZipkinSpan& span) {
    const std::size_t begin = wire_.Begin(field::kListSpans);
    char trace_id[16];
    base::StoreLe(trace_id, __builtin_bswap64(span.trace_id.high));
    base::StoreLe(trace_id + 8, __builtin_bswap64(span.trace_id.low));
    const std::size_t unused = span.trace_id.high == 0 ? 8 : 0;
    wire_.BytesAlways(field::kSpanTraceId, {trace_id + unused, sizeof trace_id - unused});
    if (!span.parent_id.empty()) Id(field::kSpanParentId, span.parent_id);
    Id(field::kSpanId, span.id);
    wire_.Uint(field::kSpanKind, NumberOf(span.kind));
    wire_.Bytes(field::kSpanName, span.name);
    wire_.Fixed64(field::kSpanTimestamp, span.timestamp_us);
    wire_.Uint(field::kSpanDuration, span.duration_us);
    Endpoint(field::kSpanLocalEndpoint, span.local);
    Endpoint(field::kSpanRemoteEndpoint, span.remote);
    for (const auto& [timestamp_us, value] : span.annotations) {
      const std::size_t annotation = wire_.Begin(field::kSpanAnnotations);
      wire_.Fixed64(field::kAnnotationTimestamp, timestamp_us);
      wire_.Bytes(field::kAnnotationValue, value);
      wire_.End(annotation);
    }
    for (const auto& [key, value] : span.tags) {
      const std::size_t tag = wire_.Begin(field::kSpanTags);
      wire_.BytesAlways(field::kTagKey, key);
      wire_.BytesAlways(field::kTagValue, value);
      wire_.End(tag);
    }
    wire_.Uint(field::kSpanDebug, span.debug ? 1 : 0);
    wire_.Uint(field::kSpanShared, span.shared ? 1 : 0);
    wire_.End(begin);
  }

 private:
  void Id(std::uint32_t number, SpanId id) {
    char bytes[8];
    base::StoreLe(bytes, __builtin_bswap64(id.value));
    wire_.BytesAlways(number, {bytes, sizeof bytes});
  }

  void Endpoint(std::uint32_t number, const ZipkinEndpoint& endpoint) {
    if (endpoint.empty()) return;
    const std::size_t begin = wire_.Begin(number);
    wire_.Bytes(field::kEndpointServiceName, endpoint.service);
    char bytes[16];
    if (inet_pton(AF_INET, endpoint.ipv4.c_str(), bytes) == 1)
      wire_.BytesAlways(field::kEndpointIpv4, {bytes, 4});
    if (inet_pton(AF_INET6, endpoint.ipv6.c_str(), bytes) == 1)
      wire_.BytesAlways(field::kEndpointIpv6, {bytes, 16});
    wire_.Uint(field::kEndpointPort, endpoint.port);
    wire_.End(begin);
  }

  WireWriter wire_;
};

}  // namespace

void EncodeZipkinProtobuf(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out) {
  ZipkinConverter converter(batch);
  Writer writer(out);
  for (const std::uint32_t row : rows) writer.Span(converter.Convert(row));
}

}  // namespace tracestore::codec
