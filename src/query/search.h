// Search: which traces of a snapshot match a query (docs/architecture.md, "Search").
#pragma once
#include <string>

#include <tracestore/query.h>
#include <tracestore/status.h>
#include <tracestore/store.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// Exact: no result missing, none too many, in the query's order. Reads the fewest pages that the
// indexes allow and stops when no page left can hold a trace that belongs before the last one.
// Errors: kInvalidArgument, kCancelled, kCorruption, kIo.
Result<SearchPage> FindTraces(const store::SnapshotData& data, const Query& query);

// The cursor of a page of this query that ends with `trace`, one that FindTraces gave. Errors:
// kInvalidArgument.
Result<std::string> CursorAfter(const Query& query, const FoundTrace& trace);

// The spans of matching traces that satisfy one of the query's conditions on a span.
Result<std::shared_ptr<model::SpanBatch>> FindSpans(const store::SnapshotData& data,
                                                    const Query& query);

}  // namespace tracestore::query
