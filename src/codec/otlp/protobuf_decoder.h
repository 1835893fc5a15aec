// OTLP protobuf to spans: a scan of the wire format that copies nothing but texts
// (docs/format/otlp.md).
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

struct OtlpLimits {
  // A longer message is refused before anything is read. The batch takes at most 32 bytes of memory
  // a byte of message (an empty link is 2 bytes, its record 64), common spans 1 to 2.
  std::size_t max_message_bytes = std::size_t{1} << 30;
  // Asked at every 256th span (base/stop.h): kCancelled once it says so, nothing is kept then.
  // Borrowed; may be null.
  const StopWhen* stop = nullptr;
};

// Appends the spans of an ExportTraceServiceRequest or TracesData (the same bytes) to `out`, with
// origin kOtlp.
//
// A span that breaks a rule of the protocol (an id of the wrong length or of zeros only, a value
// nested deeper than model::kMaxValueDepth) is left out, counted and named in the report; the
// others are kept. Texts that are no UTF-8 are kept as the bytes they are. Errors: kInvalidArgument
// where the message is malformed (names the byte) or too long; `out` then has the spans that it had
// before. Threads: none shared. `message` is borrowed for the call.
Result<model::DecodeReport> DecodeOtlpProtobuf(std::string_view message, model::SpanBatch& out,
                                               const OtlpLimits& limits = {});

}  // namespace tracestore::codec
