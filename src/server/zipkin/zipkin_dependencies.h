// Links between services by Zipkin's rule, counted from whole traces.
#pragma once
#include <vector>

#include <tracestore/store.h>

#include "server/zipkin/zipkin_params.h"

namespace tracestore::server {

// Of all traces with a span that started in the window, those of one low half of their ids taken
// together. Names are lower case; ordered by parent, then child.
//
// Cost: what the rule says of a segment's traces is read once and stays in the store's memory of
// single segments (store::QueryMemory), while there is room; likewise, for a catalog version, of
// traces that lie in several segments or are deleted in part. Read each time are traces with spans
// in the head, and those of which the window shows no end. Errors: as Snapshot::ReadSpans.
Result<std::vector<DependencyLink>> ZipkinDependencies(const Snapshot& snapshot,
                                                       const ZipkinWindow& window);

}  // namespace tracestore::server
