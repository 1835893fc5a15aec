// ReadSpans: the spans of found traces, many at a time and only what is asked for of them.
#pragma once
#include <memory>

#include <tracestore/query.h>
#include <tracestore/status.h>
#include <tracestore/store.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// As Snapshot::ReadSpans. Traces that lie next to each other in a segment are decoded in one go.
Result<SpanPage> ReadSpans(const store::SnapshotData& data, const Query& query,
                           const SpanParts& parts);

}  // namespace tracestore::query
