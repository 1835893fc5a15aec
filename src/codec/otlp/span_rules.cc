#include "codec/otlp/span_rules.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "codec/otlp/otlp_fields.h"
#include "codec/wire/wire_reader.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

constexpr std::size_t kTraceIdBytes = 16;
constexpr std::size_t kSpanIdBytes = 8;

std::uint64_t BigEndian(std::string_view bytes, std::size_t at) noexcept {
  return __builtin_bswap64(base::LoadLe<std::uint64_t>(bytes.data() + at));
}

std::string LengthSentence(const char* what, std::string_view id, std::size_t wanted) {
  return std::string(what) + " is " + std::to_string(id.size()) + " bytes long, not " +
         std::to_string(wanted);
}

}  // namespace

IdProblem ReadSpanIds(std::string_view trace_id, std::string_view span_id,
                      std::string_view parent_id, model::SpanRecord& span) {
  if (trace_id.size() != kTraceIdBytes)
    return {kTraceIdInvalid, LengthSentence("trace id", trace_id, kTraceIdBytes)};
  span.trace_id = {BigEndian(trace_id, 0), BigEndian(trace_id, 8)};
  if (span.trace_id.empty()) return {kTraceIdInvalid, "trace id is all zeros"};
  const auto of_trace = [&] { return " (trace " + span.trace_id.ToHex() + ")"; };
  if (span_id.size() != kSpanIdBytes)
    return {kSpanIdInvalid, LengthSentence("span id", span_id, kSpanIdBytes) + of_trace()};
  span.span_id = {BigEndian(span_id, 0)};
  if (span.span_id.empty()) return {kSpanIdInvalid, "span id is all zeros" + of_trace()};
  if (parent_id.empty()) return {};
  if (parent_id.size() != kSpanIdBytes)
    return {kParentIdInvalid,
            LengthSentence("parent span id", parent_id, kSpanIdBytes) + of_trace()};
  span.parent_id = {BigEndian(parent_id, 0)};
  return {};
}

IdProblem ReadLinkIds(std::string_view trace_id, std::string_view span_id,
                      model::ReferenceRecord& link) {
  link.type = ReferenceType::kLink;
  if (!trace_id.empty()) {
    if (trace_id.size() != kTraceIdBytes)
      return {kLinkIdInvalid, LengthSentence("a link's trace id", trace_id, kTraceIdBytes)};
    link.trace_id = {BigEndian(trace_id, 0), BigEndian(trace_id, 8)};
  }
  if (!span_id.empty()) {
    if (span_id.size() != kSpanIdBytes)
      return {kLinkIdInvalid, LengthSentence("a link's span id", span_id, kSpanIdBytes)};
    link.span_id = {BigEndian(span_id, 0)};
  }
  return {};
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMost = 64;
  std::string out = "'";
  for (const char c : text.substr(0, kMost)) out += c >= 0x20 && c < 0x7F ? c : '?';
  out += text.size() > kMost ? "…'" : "'";
  return out;
}

std::string TooDeepSentence(std::string_view key) {
  return "the value of attribute " + Quoted(key) + " is nested deeper than " +
         std::to_string(model::kMaxValueDepth) + " levels";
}

void KeepKindAndStatus(std::uint64_t kind, std::uint64_t status, model::SpanRecord& span,
                       std::string& unknown_fields) {
  // Enumerations are 32 bits with sign; what a varint has above is dropped, as protobuf drops it.
  const auto kind32 = static_cast<std::int32_t>(kind);
  const auto status32 = static_cast<std::int32_t>(status);
  WireWriter unknown(unknown_fields);
  if (kind32 >= 0 && kind32 <= static_cast<int>(SpanKind::kConsumer)) {
    span.kind = static_cast<SpanKind>(kind32);
  } else {
    unknown.Uint(otlp_field::kSpanKind, static_cast<std::uint64_t>(std::int64_t{kind32}));
  }
  if (status32 >= 0 && status32 <= static_cast<int>(StatusCode::kError)) {
    span.status = static_cast<StatusCode>(status32);
  } else {
    const std::size_t begin = unknown.Begin(otlp_field::kSpanStatus);
    unknown.Uint(otlp_field::kStatusCode, static_cast<std::uint64_t>(std::int64_t{status32}));
    unknown.End(begin);
  }
}

Status CheckOtlpRoom(std::size_t message_bytes, std::size_t max_message_bytes,
                     const model::SpanBatch& out) {
  if (message_bytes > max_message_bytes) {
    return Error(ErrorCode::kInvalidArgument, "OTLP message of " + std::to_string(message_bytes) +
                                                  " bytes is longer than the limit of " +
                                                  std::to_string(max_message_bytes));
  }
  // Each record, and each text, takes at least two bytes of message.
  const std::size_t fullest =
      std::max({out.attributes.size(), out.events.size(), out.references.size(), out.spans.size(),
                out.resources.size(), out.scopes.size(), out.strings.size()});
  if (message_bytes / 2 + fullest >= std::numeric_limits<std::uint32_t>::max()) {
    return Error(ErrorCode::kInvalidArgument, "the batch is too full to take an OTLP message of " +
                                                  std::to_string(message_bytes) + " bytes");
  }
  return {};
}

}  // namespace tracestore::codec
