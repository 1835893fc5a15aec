// The summary of a trace of any size from tables of traces and span ids, without reading its spans.
#pragma once
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>
#include <tracestore/summary.h>

#include "query/fetch.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// As assembly::Summarize says of all spans of the trace. `places`: all of FindPlaces. What is known
// of each part is added up; ids and parents say which spans are orphans and which may have come
// twice; read are those, and what may be the root. Kept by the snapshot's memo, with the index for
// subtrees, where the head has no rows of the trace. Memory: about 20 bytes a span meanwhile.
// Errors: kIo, kCorruption, kCancelled, kUnsupported for 2^32 spans or more.
Result<TraceSummary> SummarizeLarge(const store::SnapshotData& data, TraceId id,
                                    const std::vector<TracePlace>& places);

}  // namespace tracestore::query
