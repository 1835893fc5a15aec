#include <arpa/inet.h>

#include <string>

#include "codec/thrift/binary_writer.h"
#include "codec/zipkin/zipkin_convert.h"
#include "codec/zipkin/zipkin_v1.h"
#include "codec/zipkin/zipkin_v1_thrift.h"

namespace tracestore::codec {
namespace {

using Writer = ThriftBinaryWriter;

void WriteHost(const ZipkinV1Span& span, std::int16_t number, std::uint32_t index, Writer& out) {
  const ZipkinEndpoint* const host = span.EndpointAt(index);
  if (host == nullptr) return;
  out.Begin(number, ThriftType::kStruct);
  in_addr ipv4{};
  if (inet_pton(AF_INET, host->ipv4.c_str(), &ipv4) != 1) ipv4.s_addr = 0;
  out.I32Field(1, ntohl(ipv4.s_addr));
  out.I16Field(2, host->port);
  out.TextField(3, host->service);
  char ipv6[16];
  if (inet_pton(AF_INET6, host->ipv6.c_str(), ipv6) == 1) out.TextField(4, {ipv6, sizeof ipv6});
  out.Stop();
}

constexpr std::uint32_t kBool = 0, kString = 6;  // AnnotationType

void WriteSpan(const ZipkinV1Span& span, Writer& out) {
  if (span.trace_id.high != 0) out.I64Field(12, span.trace_id.high);
  out.I64Field(1, span.trace_id.low);
  out.TextField(3, span.name);
  out.I64Field(4, span.id.value);
  if (!span.parent_id.empty()) out.I64Field(5, span.parent_id.value);
  out.ListField(6, ThriftType::kStruct, span.annotations.size());
  for (const auto& annotation : span.annotations) {
    out.I64Field(1, annotation.timestamp_us);
    out.TextField(2, annotation.value);
    WriteHost(span, 3, annotation.endpoint, out);
    out.Stop();
  }
  out.ListField(8, ThriftType::kStruct, span.binaries.size());
  for (const auto& binary : span.binaries) {
    out.TextField(1, binary.key);
    out.TextField(2, binary.address ? std::string_view("\x01", 1) : binary.value);
    out.I32Field(3, binary.address ? kBool : kString);
    WriteHost(span, 4, binary.endpoint, out);
    out.Stop();
  }
  if (span.debug) out.BoolField(9, true);
  if (span.timestamp_us != 0) out.I64Field(10, span.timestamp_us);
  if (span.duration_us != 0) out.I64Field(11, span.duration_us);
  out.Stop();
}

}  // namespace

void EncodeZipkinV1Thrift(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out) {
  ZipkinConverter converter(batch);
  ZipkinV1Span span;
  Writer writer(out);
  writer.Elements(ThriftType::kStruct, rows.size());
  for (const std::uint32_t row : rows) {
    ToZipkinV1(converter.Convert(row), span);
    WriteSpan(span, writer);
  }
}

}  // namespace tracestore::codec
