// Spans to OTLP/JSON (docs/format/otlp.md).
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "codec/json/json_writer.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// Writes `{"resourceSpans":[…]}` with the spans of `rows`, in their order, grouped as in
// EncodeOtlpProtobuf; no line breaks, so that one call a line is what DecodeOtlpJsonLines reads.
// JSON has no place for unknown protobuf fields, nor for bytes that are no UTF-8 in texts (U+FFFD).
void WriteOtlpJson(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                   JsonWriter& out);

// The list of ResourceSpans alone, in protobuf's own JSON mapping, where OTLP/JSON differs from it:
// ids are base64, kinds and status codes have their names, what is empty is left out.
void WriteProtoJsonResourceSpans(const model::SpanBatch& batch,
                                 std::span<const std::uint32_t> rows, JsonWriter& out);

// The same as text, appended to `out`.
void EncodeOtlpJson(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                    std::string& out);
// All rows.
void EncodeOtlpJson(const model::SpanBatch& batch, std::string& out);

}  // namespace tracestore::codec
