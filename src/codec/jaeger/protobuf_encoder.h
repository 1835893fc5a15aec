// Spans to Jaeger's protobuf (docs/format/jaeger-protobuf.md). Spans of origin kJaeger are written
// as they came; spans of the other two are converted as Jaeger v1.76 does.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "model/span_batch.h"

namespace tracestore::codec {

// Appends a PostSpansRequest: the batch's process is that of the first row, spans of another one
// carry their own.
void EncodeJaegerProtobuf(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out);

}  // namespace tracestore::codec
