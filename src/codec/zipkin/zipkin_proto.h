// Zipkin v2 protobuf (docs/format/zipkin-proto.md).
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore {
struct StopWhen;  // <tracestore/query.h>
}

namespace tracestore::codec {

struct ZipkinProtoOptions {
  // As Zipkin's server takes it: one bad span refuses the whole message with Zipkin's own sentence
  // ("Missing : traceId id reading List<Span> from proto3"). Otherwise good spans are kept, bad
  // ones are counted and named.
  bool strict = false;
  // A longer message is refused before anything is read. The batch takes up to 16 bytes of memory a
  // byte of message, common spans 1 to 2.
  std::size_t max_message_bytes = std::size_t{1} << 30;
  // Asked at every 256th span (base/stop.h): kCancelled once it says so, nothing is kept then.
  // Borrowed; may be null.
  const StopWhen* stop = nullptr;
};

// Appends the spans of a ListOfSpans to `out` in Zipkin's normal form, with origin kZipkin. Texts
// that are no UTF-8 are kept as the bytes they are; fields that the format doesn't know are
// skipped.
// Errors: kInvalidArgument where the message is malformed (names the byte, unless strict), too long
// or, if strict, has a bad span; `out` is then as it was, but for strings. Threads: none shared.
Result<model::DecodeReport> DecodeZipkinProtobuf(std::string_view message, model::SpanBatch& out,
                                                 const ZipkinProtoOptions& options = {});

// The spans of `rows` as one ListOfSpans, appended to `out`; converted as WriteZipkinSpan does.
void EncodeZipkinProtobuf(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out);

}  // namespace tracestore::codec
