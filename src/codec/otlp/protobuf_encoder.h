// Spans to OTLP protobuf (docs/format/otlp.md).
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "model/span_batch.h"

namespace tracestore::codec {

// Appends an ExportTraceServiceRequest (= TracesData) with the spans of `rows`, in their order, to
// `out`. Rows in a row with the same resource stand in one ResourceSpans, those with the same scope
// in one ScopeSpans. Spans of origin kOtlp come out as they came in; those of Jaeger and Zipkin are
// converted (span_conversion.h).
// Two calls on one string are one message still: protobuf appends repeated fields.
void EncodeOtlpProtobuf(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                        std::string& out);
// All rows.
void EncodeOtlpProtobuf(const model::SpanBatch& batch, std::string& out);

}  // namespace tracestore::codec
