#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "base/bytes.h"
#include "codec/zipkin/zipkin_convert.h"
#include "codec/zipkin/zipkin_v1.h"
#include "codec/zipkin/zipkin_v1_thrift.h"

namespace tracestore::codec {
namespace {

// Thrift's binary protocol: fields are a byte of type, two of number, the value; big-endian.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void Begin(std::int16_t number, ThriftType type) {
    Byte(static_cast<std::uint8_t>(type));
    I16(static_cast<std::uint16_t>(number));
  }
  void List(std::int16_t number, std::size_t size) {
    Begin(number, ThriftType::kList);
    Elements(size);
  }
  void Elements(std::size_t size) {
    Byte(static_cast<std::uint8_t>(ThriftType::kStruct));
    I32(static_cast<std::uint32_t>(size));
  }
  void Stop() { Byte(0); }
  void I64Field(std::int16_t number, std::uint64_t value) {
    Begin(number, ThriftType::kI64);
    Big(__builtin_bswap64(value));
  }
  void I32Field(std::int16_t number, std::uint32_t value) {
    Begin(number, ThriftType::kI32);
    I32(value);
  }
  void I16Field(std::int16_t number, std::uint16_t value) {
    Begin(number, ThriftType::kI16);
    I16(value);
  }
  void TextField(std::int16_t number, std::string_view text) {
    Begin(number, ThriftType::kString);
    I32(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  void Byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }

 private:
  void I16(std::uint16_t value) { Big(__builtin_bswap16(value)); }
  void I32(std::uint32_t value) { Big(__builtin_bswap32(value)); }
  template <typename T>
  void Big(T swapped) {
    char bytes[sizeof(T)];
    base::StoreLe(bytes, swapped);
    out_.append(bytes, sizeof(T));
  }

  std::string& out_;
};

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
  out.List(6, span.annotations.size());
  for (const auto& annotation : span.annotations) {
    out.I64Field(1, annotation.timestamp_us);
    out.TextField(2, annotation.value);
    WriteHost(span, 3, annotation.endpoint, out);
    out.Stop();
  }
  out.List(8, span.binaries.size());
  for (const auto& binary : span.binaries) {
    out.TextField(1, binary.key);
    out.TextField(2, binary.address ? std::string_view("\x01", 1) : binary.value);
    out.I32Field(3, binary.address ? kBool : kString);
    WriteHost(span, 4, binary.endpoint, out);
    out.Stop();
  }
  if (span.debug) {
    out.Begin(9, ThriftType::kBool);
    out.Byte(1);
  }
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
  writer.Elements(rows.size());
  for (const std::uint32_t row : rows) {
    ToZipkinV1(converter.Convert(row), span);
    WriteSpan(span, writer);
  }
}

}  // namespace tracestore::codec
