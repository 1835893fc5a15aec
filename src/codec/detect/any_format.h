// Reading and writing of any format that this build has a codec for.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/format.h>
#include <tracestore/query.h>
#include <tracestore/status.h>

#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// The longest content decoded at once, in bytes.
inline constexpr std::uint64_t kMaxContentBytes = std::uint64_t{2} << 30;

// Appends the spans of `content`, which is not compressed, to `out`. Without a format, that of the
// content is found (codec/detect/detect_format.h).
// Bad spans are left out, counted and named in the report; the others are kept.
// Errors: kInvalidArgument where the content is longer than kMaxContentBytes, of no known format or
// not of the format given; kUnsupported where this build lacks the codec; kCancelled once `stop`,
// which is asked at every 256th span, says so: `out` has the spans that it had before then. One
// JSON text is parsed in one step.
Result<model::DecodeReport> DecodeAny(std::string_view content, std::optional<Format> format,
                                      model::SpanBatch& out, const StopWhen* stop = nullptr);

// The rows of each trace: traces in the order of their first row, rows ascending.
std::vector<std::vector<std::uint32_t>> GroupByTrace(const model::SpanBatch& batch);

// Appends a whole file of `format` to `out`: spans trace by trace, in the order given. OTLP: one
// request, as JSON Lines one request a trace. Jaeger: {"data":[…]} as its API answers. Zipkin: one
// list of spans, as its POST /api/v2/spans takes it.
// Errors: kUnsupported where this build lacks the codec.
Status EncodeAny(const model::SpanBatch& batch,
                 std::span<const std::vector<std::uint32_t>> traces, Format format,
                 std::string& out);

}  // namespace tracestore::codec
