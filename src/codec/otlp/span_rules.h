// What a span must be to be taken, and how OTLP's numbers become the model's: shared by the
// protobuf and the JSON decoder.
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/span_batch.h"

namespace tracestore::codec {

// The reasons a DecodeReport counts by.
inline constexpr const char* kTraceIdInvalid = "trace id is not 16 bytes or all zeros";
inline constexpr const char* kSpanIdInvalid = "span id is not 8 bytes or all zeros";
inline constexpr const char* kParentIdInvalid = "parent span id is not 8 bytes";
inline constexpr const char* kLinkIdInvalid = "an id of a link is not of its length";
inline constexpr const char* kValueTooDeep = "an attribute's value is nested too deep";

// What is wrong with an id; reason is nullptr where nothing is.
struct IdProblem {
  const char* reason = nullptr;
  std::string sentence;
};

// From bytes as protobuf has them. An absent parent is empty or zeros.
IdProblem ReadSpanIds(std::string_view trace_id, std::string_view span_id,
                      std::string_view parent_id, model::SpanRecord& span);
// Absent ids (empty) are kept as absent.
IdProblem ReadLinkIds(std::string_view trace_id, std::string_view span_id,
                      model::ReferenceRecord& link);

// The sentence for kValueTooDeep. The key is cut at 64 bytes.
std::string TooDeepSentence(std::string_view key);

// Input for a sentence: in single quotes, cut at 64 bytes, control characters and bytes that are no
// ASCII as '?'.
std::string Quoted(std::string_view text);

// 0 is absent for both; an end without a start is a duration from 0 (docs/format/semantics.md).
inline void SetOtlpTimes(std::uint64_t start_ns, std::uint64_t end_ns, model::SpanRecord& span) {
  if (start_ns != 0) {
    span.start_ns = start_ns;
    span.presence |= model::kHasStart;
  }
  if (end_ns != 0) {
    span.duration_ns = end_ns - start_ns;
    span.presence |= model::kHasDuration;
  }
}

// Sets kind and status. A number that this version doesn't know goes to the end of `unknown_fields`
// as the protobuf field it was, and the model says unspecified (unset).
void KeepKindAndStatus(std::uint64_t kind, std::uint64_t status, model::SpanRecord& span,
                       std::string& unknown_fields);

// Whether a message of that size can be decoded on top of `out`: records are numbered with 32 bits.
// kInvalidArgument names the limit.
Status CheckOtlpRoom(std::size_t message_bytes, std::size_t max_message_bytes,
                     const model::SpanBatch& out);

}  // namespace tracestore::codec
