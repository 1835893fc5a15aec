// A SpanBatch as the payload of one log record and back (docs/format/batch.md, version 1).
#pragma once
#include <string>
#include <string_view>

#include <tracestore/status.h>

#include "model/span_batch.h"

namespace tracestore::store {

inline constexpr std::uint8_t kBatchRecordKind = 1;

// Self-contained: strings, resources and scopes stand in it. Column by column at fixed width, which
// costs no more than copying; the log's lz4 takes the zeros out.
std::string EncodeBatch(const model::SpanBatch& batch);
// The same in place of what is in `out`.
void EncodeBatch(const model::SpanBatch& batch, std::string& out);

// Errors: kCorruption; kUnsupported for a newer version. Every index is checked.
Result<model::SpanBatch> DecodeBatch(std::string_view payload);

}  // namespace tracestore::store
