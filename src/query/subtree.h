// One subtree of a trace, however large the trace is.
#pragma once
#include <memory>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// The spans with id `top` and all below them by parent id, each as often as it was stored; an empty
// batch where there are none. Cost: what is in the subtree, and the pages that it lies in; for the
// first of a trace also the ids of the others, 9 bytes a span, which the snapshot's memo keeps.
// Errors: kIo, kCorruption, kCancelled.
Result<std::shared_ptr<model::SpanBatch>> FetchSubtree(const store::SnapshotData& data, TraceId id,
                                                       SpanId top);

}  // namespace tracestore::query
