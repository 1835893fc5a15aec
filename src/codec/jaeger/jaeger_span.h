// What Jaeger's own formats (JSON, Thrift, protobuf) share on their way into the model.
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/span_batch.h"

namespace tracestore::codec {

// The reasons a DecodeReport of Thrift and protobuf counts by.
inline constexpr const char* kJaegerNoTraceId = "trace id is all zeros";
inline constexpr const char* kJaegerNoSpanId = "span id is all zeros";
inline constexpr const char* kJaegerBadStart = "start time is no time in microseconds";
inline constexpr const char* kJaegerBadDuration = "duration is no number of microseconds";
inline constexpr const char* kJaegerBadLogTime = "log timestamp is no time in microseconds";
inline constexpr const char* kJaegerBadRefType =
    "reference type is neither CHILD_OF nor FOLLOWS_FROM";
// Of protobuf alone.
inline constexpr const char* kJaegerTraceIdShort = "trace id is shorter than 16 bytes";
inline constexpr const char* kJaegerSpanIdShort = "span id is shorter than 8 bytes";
inline constexpr const char* kJaegerRefIdShort = "an id of a reference is too short";
inline constexpr const char* kJaegerStartRange = "start time is no 64-bit number of nanoseconds";
inline constexpr const char* kJaegerDurationRange = "duration is no 64-bit number of nanoseconds";
inline constexpr const char* kJaegerLogTimeRange =
    "log timestamp is no 64-bit number of nanoseconds";

// Sets kind and status from the tags that stand for them; the tags stay
// (docs/format/semantics.md). The span's attributes are in the batch.
void ApplyJaegerConventions(const model::SpanBatch& batch, model::SpanRecord& span);

// A reference as it stands on the wire.
struct JaegerReference {
  TraceId trace_id;
  SpanId span_id;
  ReferenceType type = ReferenceType::kChildOf;
};

// Sets the span's parent and appends its other references to `out`. `parent` (empty: none) is the
// field of its own that a span of Thrift has: where no reference names that span of the same trace,
// it is one in front, as in Jaeger.
void SetJaegerReferences(std::span<const JaegerReference> references, SpanId parent,
                         model::SpanBatch& out, model::SpanRecord& span);

// Whether a message of that size can be decoded on top of `out`: records are numbered with 32 bits.
// kInvalidArgument names the limit. `what`: "Jaeger Thrift".
Status CheckJaegerRoom(const char* what, std::size_t message_bytes, std::size_t max_message_bytes,
                       const model::SpanBatch& out);

// The text of a tag whose type is none of Jaeger's.
std::string UnknownTagType(std::int64_t type);

}  // namespace tracestore::codec
