// Jaeger's protobuf: what agents and clients post to a collector by gRPC
// (docs/format/jaeger-protobuf.md).
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <string_view>

#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore {
struct StopWhen;  // <tracestore/query.h>
}

namespace tracestore::codec {

struct JaegerProtobufLimits {
  // A longer message is refused before anything is read. The batch takes at most 32 bytes of memory
  // a byte of message (an empty reference is 2 bytes, its record 64), common spans 1 to 2.
  std::size_t max_message_bytes = std::size_t{1} << 30;
  // Asked at every 256th span (base/stop.h): kCancelled once it says so, nothing is kept then.
  // Borrowed; may be null.
  const StopWhen* stop = nullptr;
};

// Appends the spans of a PostSpansRequest to `out`, with origin kJaeger, each with its own process
// or the batch's.
//
// A span that breaks a rule is left out, counted and named in the report ("span 3: span id is 4
// bytes long, not 8"); the others are kept. Errors: kInvalidArgument where the bytes are no
// protobuf (the message names the byte); `out` is then as it was, but for strings. Threads: none
// shared.
Result<model::DecodeReport> DecodeJaegerProtobuf(std::string_view message, model::SpanBatch& out,
                                                 const JaegerProtobufLimits& limits = {});

// The same of a message whose field 1 is spans, each with its process: a SpansResponseChunk, or any
// number of a storage's WriteSpanRequest one behind the other.
Result<model::DecodeReport> DecodeJaegerSpans(std::string_view message, model::SpanBatch& out,
                                              const JaegerProtobufLimits& limits = {});

}  // namespace tracestore::codec
