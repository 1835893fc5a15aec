// Zipkin v2 JSON (docs/format/zipkin-json.md).
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "codec/json/json_writer.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore {
struct StopWhen;  // <tracestore/query.h>
}

namespace tracestore::codec {

struct ZipkinJsonOptions {
  // As Zipkin's server takes POST /api/v2/spans: a flat list only, and one bad span refuses the
  // whole message with Zipkin's own sentence ("Missing : traceId id reading List<Span> from json").
  // Otherwise, for files: a list, a list of lists or one span; good spans are kept, bad ones are
  // counted and named; ids may have capital letters.
  bool strict = false;
  // Asked at every 256th span (base/stop.h): kCancelled once it says so, nothing is kept then.
  // Borrowed; may be null.
  const StopWhen* stop = nullptr;
};

// Appends the spans of `text` to `out` in Zipkin's normal form, with origin kZipkin.
// Errors: kInvalidArgument where the text is not JSON (the message names the byte), holds no spans,
// or, if strict, has a bad span; `out` is then as it was, but for strings.
// Memory: about ten times the text while it runs. Threads: none shared.
Result<model::DecodeReport> DecodeZipkinJson(std::string_view text, model::SpanBatch& out,
                                             const ZipkinJsonOptions& options = {});

// Writes one span in Zipkin's order of fields and its normal form. Spans of origin kZipkin are
// written as they came; spans of the other two are converted as OpenTelemetry's Zipkin exporters
// do. Times below a microsecond are cut off.
void WriteZipkinSpan(const model::SpanBatch& batch, std::uint32_t row, JsonWriter& out);

// The spans of `rows` as one list, appended to `out`.
void EncodeZipkinSpans(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                       std::string& out);

}  // namespace tracestore::codec
