// Spans to Jaeger's protobuf (docs/format/jaeger-protobuf.md). Spans of origin kJaeger are written
// as they came; spans of the other two are converted as Jaeger v1.76 does.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::codec {

// Appends a PostSpansRequest: the batch's process is that of the first row, spans of another one
// carry their own.
void EncodeJaegerProtobuf(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out);

struct JaegerSpansOptions {
  // As Jaeger's query service answers unless raw is asked for: tags by key, the fields of a log by
  // key after `event`. Tags of one key keep their order.
  bool sort_tags = false;
  // Warnings of the reader, one list a row of `rows`, written after the span's own. Empty: none.
  std::span<const std::vector<std::string>> warnings;
};

// Appends a SpansResponseChunk, what a query service answers: each span carries its process. Two
// calls on one string are one message still.
void EncodeJaegerSpans(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                       const JaegerSpansOptions& options, std::string& out);

}  // namespace tracestore::codec
