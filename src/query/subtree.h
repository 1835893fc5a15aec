// One subtree of a trace, however large the trace is.
#pragma once
#include <memory>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// The spans with id `top` and all below them by parent id, each as often as it was stored; an empty
// batch where there are none. Of the other spans only ids are read. Memory: 24 bytes a span of the
// trace. Errors: kIo, kCorruption.
Result<std::shared_ptr<model::SpanBatch>> FetchSubtree(const store::SnapshotData& data, TraceId id,
                                                       SpanId top);

}  // namespace tracestore::query
