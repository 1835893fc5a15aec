// What seals and compactions tell the catalog of the segments they made.
#pragma once
#include <cstdint>
#include <vector>

#include <tracestore/status.h>
#include <tracestore/store.h>

#include "store/catalog/catalog.h"
#include "store/engine/snapshot.h"
#include "store/segment/segment_writer.h"

namespace tracestore::store {

// Without what the segment itself doesn't know: log range, arrival, partition, generation.
SegmentInfo DescribeSegment(const BuiltSegment& built, SegmentId id);

// The rest of it, but for the partition; and back.
void SetOrigin(const SegmentOrigin& origin, SegmentInfo& info);
SegmentOrigin OriginOf(const SegmentInfo& info);

// Of a segment merged of `sources`.
SegmentOrigin OriginOfMerged(const std::vector<SegmentInfo>& sources);

// The width of time partitions: at most a quarter of the retention by age, so that not much more is
// kept than asked for.
std::uint64_t PartitionNs(const StoreOptions& options);

// The traces that are in segment `id`, which is to be, and in one of `live`, as straddlers of both.
// Cost: a filter probe a trace and segment. Errors: kIo, kCorruption.
Result<std::vector<Straddler>> FindStraddlers(const std::vector<TraceId>& traces, SegmentId id,
                                              const SnapshotData& live);

// `live` without some of its segments.
SnapshotData Without(const SnapshotData& live, const std::vector<SegmentId>& segments);

}  // namespace tracestore::store
