// Zipkin v2 JSON as clients write it, read without a tree.
#pragma once
#include <tracestore/status.h>

#include <optional>
#include <string_view>

#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

struct ZipkinJsonOptions;

// What DecodeZipkinJson() does, for a list of spans in which every value is of the type that it has
// in Zipkin's own JSON, every span is good and nothing is unknown. nullopt: the text isn't so,
// which says nothing against it; `out` then has spans that the caller takes back. Errors:
// kCancelled as `options.stop` says.
Result<std::optional<model::DecodeReport>> DecodePlainZipkinJson(std::string_view text,
                                                                 model::SpanBatch& out,
                                                                 const ZipkinJsonOptions& options);

}  // namespace tracestore::codec
