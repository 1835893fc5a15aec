// Zipkin v1 JSON (docs/format/zipkin-v1.md).
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "codec/zipkin/zipkin_json.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// Appends the spans of `text` to `out` as the spans of version 2 that they stand for, in Zipkin's
// normal form, with origin kZipkin. The report counts spans of version 2 as accepted and those of
// version 1 as rejected. Errors, memory and `strict` as DecodeZipkinJson.
Result<model::DecodeReport> DecodeZipkinV1Json(std::string_view text, model::SpanBatch& out,
                                               const ZipkinJsonOptions& options = {});

// The spans of `rows` as one list of version 1, appended to `out`; converted as WriteZipkinSpan
// does, then as Zipkin writes version 2 spans for version 1 (docs/format/zipkin-v1.md).
void EncodeZipkinV1Json(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                        std::string& out);

}  // namespace tracestore::codec
