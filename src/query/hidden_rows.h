// The rows of segments that deletes hide until a compaction leaves them out: for answers that come
// from counts of a whole segment, to take them out again.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <tracestore/status.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// The parts of segments[segment] that are hidden, as ordinals in its table of traces, ascending.
// Cost: nothing where no tombstone reaches the segment; else the lesser of a look-up a tombstone and
// one a part. Errors: kIo, kCorruption.
Result<std::vector<std::uint32_t>> HiddenParts(const store::SnapshotData& data,
                                               std::size_t segment);

// The number of their rows.
Result<std::uint64_t> HiddenRowCount(const store::SnapshotData& data, std::size_t segment);

// Calls `visit` with batches that hold just the hidden rows of segments[segment], read as
// `projection` says, a page at most at a time. Cost: the pages that have such rows. Errors: kIo, kCorruption.
Status ForEachHiddenBatch(const store::SnapshotData& data, std::size_t segment,
                          const store::Projection& projection,
                          const std::function<void(const model::SpanBatch&)>& visit);

}  // namespace tracestore::query
