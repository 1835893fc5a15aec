// What deletes need of a store's files and snapshots (docs/format/catalog.md, "Tombstones").
#pragma once
#include <string>
#include <vector>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/catalog/catalog.h"
#include "store/engine/snapshot.h"

namespace tracestore::store {

// The end of the log as it stands: of the highest file in `wal_directory`. Of any process, also
// while another appends; whatever was acknowledged lies before. No lock is taken. Errors: kIo.
Result<LogPosition> EndOfLog(fs::FileSystem& files, const std::string& wal_directory);

// The tombstones that hide nothing any more once `removed` are live no longer and the logs below
// number `retired_before` are retired: for the commit that does so. `live` and `view` are of one
// SegmentCache::Refresh. Cost: a filter probe a tombstone and segment. Errors: kIo, kCorruption.
Result<std::vector<std::uint64_t>> FinishedTombstones(const CatalogView& view,
                                                      const SnapshotData& live,
                                                      const std::vector<SegmentId>& removed,
                                                      std::uint64_t retired_before);

// The segments of the view of which every row is hidden: those that `live` lacks.
std::vector<SegmentId> WhollyHidden(const CatalogView& view, const SnapshotData& live);

}  // namespace tracestore::store
