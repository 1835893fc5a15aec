#include "codec/zipkin/testing/zipkin_reference.h"

#include <algorithm>
#include <string>

#include "codec/zipkin/zipkin_span.h"
#include "zipkin.pb.h"

namespace tracestore::codec {
namespace {

std::optional<TraceId> ReadId(const std::string& bytes, std::size_t most) {
  if (bytes.size() > most) return std::nullopt;
  std::string hex = "0";
  for (const char byte : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(byte) >> 4];
    hex += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  if (hex.size() > 1) hex.erase(0, 1);
  return TraceId::FromHex(hex);
}

bool ReadTime(std::uint64_t value, std::uint64_t& out) {
  out = static_cast<std::int64_t>(value) < 0 ? 0 : value;
  return out <= kMaxZipkinMicros;
}

bool ReadEndpoint(const zipkin::proto3::Endpoint& in, ZipkinEndpoint& out) {
  out.SetService(in.service_name());
  out.SetAddressBytes(in.ipv4());
  out.SetAddressBytes(in.ipv6());
  if (in.port() > 0xFFFF) return false;
  out.port = static_cast<std::uint16_t>(std::max(in.port(), 0));
  return true;
}

bool ReadSpan(const zipkin::proto3::Span& in, ZipkinSpan& out) {
  const auto trace_id = ReadId(in.trace_id(), 16);
  const auto parent_id = ReadId(in.parent_id(), 8);
  const auto id = ReadId(in.id(), 8);
  if (!trace_id || trace_id->empty() || !parent_id || !id || id->empty()) return false;
  out.trace_id = *trace_id;
  out.parent_id = {parent_id->low};
  out.id = {id->low};
  constexpr SpanKind kKinds[] = {SpanKind::kUnspecified, SpanKind::kClient, SpanKind::kServer,
                                 SpanKind::kProducer, SpanKind::kConsumer};
  if (in.kind() >= 0 && in.kind() <= 4) out.kind = kKinds[in.kind()];
  out.name = in.name();
  bool right = ReadTime(in.timestamp(), out.timestamp_us) &&
               ReadTime(in.duration(), out.duration_us) &&
               ReadEndpoint(in.local_endpoint(), out.local) &&
               ReadEndpoint(in.remote_endpoint(), out.remote);
  for (const auto& annotation : in.annotations()) {
    ZipkinAnnotation& added = out.annotations.emplace_back();
    right = ReadTime(annotation.timestamp(), added.timestamp_us) && right;
    added.value = annotation.value();
  }
  for (const auto& [key, value] : in.tags()) out.tags.push_back({key, value});
  out.debug = in.debug();
  out.shared = in.shared();
  return right;
}

}  // namespace

std::optional<model::DecodeReport> ReferenceDecodeZipkin(std::string_view bytes,
                                                         model::SpanBatch& out) {
  zipkin::proto3::ListOfSpans list;
  if (!list.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  model::DecodeReport report;
  ZipkinAppender appender(out);
  for (const auto& in : list.spans()) {
    ZipkinSpan span;
    if (ReadSpan(in, span)) {
      appender.Append(span);
      ++report.accepted;
    } else {
      report.Reject("refused", "refused");
    }
  }
  return report;
}

}  // namespace tracestore::codec
