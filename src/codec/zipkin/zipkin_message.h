// One message as Zipkin's collector takes it: POST /api/v1/spans and /api/v2/spans, queues.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

enum class ZipkinEncoding : std::uint8_t { kJsonV1, kJsonV2, kThrift, kProto3 };

// "JSON_V1", "JSON_V2", "THRIFT", "PROTO3", as Zipkin's answers call them.
const char* ZipkinEncodingName(ZipkinEncoding encoding) noexcept;

// Appends the spans of `message` to `out`, strictly: what Zipkin's server refuses is refused as a
// whole, with its sentence as the error's message: "Expected a JSON_V2 encoded list\n" where the
// first bytes are no list, "Expected a JSON_V1 encoded list, but received: JSON_V2\n" for the other
// version's fields, else that of the decoder. An empty message and "[]" have no spans.
// Errors: kInvalidArgument; `out` is then as it was, but for strings.
Result<model::DecodeReport> DecodeZipkinMessage(std::string_view message, ZipkinEncoding encoding,
                                                model::SpanBatch& out);

// Of a message whose sender doesn't say its encoding (Kafka, files), the one that Zipkin takes it
// for. kInvalidArgument for bytes that are none.
Result<ZipkinEncoding> DetectZipkinEncoding(std::string_view message);

}  // namespace tracestore::codec
