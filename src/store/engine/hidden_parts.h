// The trace parts of segments that deletes hide until a compaction leaves them out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include <tracestore/status.h>

#include "store/engine/snapshot.h"

namespace tracestore::store {

// The parts of segments[segment] that are hidden, as ordinals in its table of traces, ascending.
// Cost: nothing where no tombstone reaches the segment; else the lesser of a look-up a tombstone
// and one a part. Errors: kIo, kCorruption.
Result<std::vector<std::uint32_t>> HiddenParts(const SnapshotData& data, std::size_t segment);

// The number of their rows.
Result<std::uint64_t> HiddenRowCount(const SnapshotData& data, std::size_t segment);

}  // namespace tracestore::store
