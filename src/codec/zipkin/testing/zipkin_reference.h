// Zipkin protobuf through protobuf's own parser: what our decoder is held equal to.
#pragma once
#include <optional>
#include <string_view>

#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// nullopt where protobuf doesn't take the bytes.
std::optional<model::DecodeReport> ReferenceDecodeZipkin(std::string_view bytes,
                                                         model::SpanBatch& out);

}  // namespace tracestore::codec
