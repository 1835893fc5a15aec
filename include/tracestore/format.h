// The file formats that spans come in and go out as.
#pragma once
#include <cstdint>
#include <string_view>

#include <tracestore/status.h>

namespace tracestore {

// Stable numbers.
enum class Format : std::uint8_t {
  kOtlpProtobuf = 0,   // one ExportTraceServiceRequest
  kOtlpJson = 1,       // the same as JSON
  kOtlpJsonLines = 2,  // one such JSON text a line, as the collector's file exporter writes
  kJaegerJson = 3,     // what Jaeger's UI and /api/traces give: a trace, a list, or {"data":[…]}
  kZipkinJson = 4,     // Zipkin v2: a list of spans, or of lists of spans
  kJaegerThrift = 5,     // a Batch, or a call of emitBatch or submitBatches; compact or binary
  kJaegerProtobuf = 6,   // one PostSpansRequest
  kZipkinProtobuf = 7,  // Zipkin v2: one ListOfSpans
  kZipkinV1Json = 8,    // Zipkin v1: a list of spans, or of lists of spans
  kZipkinV1Thrift = 9,  // Zipkin v1: a list of spans in Thrift's binary protocol
};

// "otlp-proto", "otlp-json", "otlp-jsonl", "jaeger", "zipkin", "jaeger-thrift",
// "jaeger-proto", "zipkin-proto", "zipkin-v1", "zipkin-v1-thrift".
const char* FormatName(Format format) noexcept;

// The format of such a name. kInvalidArgument for any other text; the message lists the names.
Result<Format> ParseFormat(std::string_view name);

}  // namespace tracestore
