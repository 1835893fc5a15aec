// The rows of segments that deletes hide until a compaction leaves them out: for answers that come
// from counts of a whole segment, to take them out again.
#pragma once
#include <cstddef>
#include <functional>

#include <tracestore/status.h>

#include "model/span_batch.h"
#include "store/engine/hidden_parts.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

using store::HiddenParts;
using store::HiddenRowCount;

// Calls `visit` with batches that hold just the hidden rows of segments[segment], read as
// `projection` says, a page at most at a time. Cost: the pages that have such rows. Errors: kIo,
// kCorruption.
Status ForEachHiddenBatch(const store::SnapshotData& data, std::size_t segment,
                          const store::Projection& projection,
                          const std::function<void(const model::SpanBatch&)>& visit);

}  // namespace tracestore::query
