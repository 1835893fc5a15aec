// Links between services by Zipkin's rule, counted from whole traces.
#pragma once
#include <vector>

#include <tracestore/store.h>

#include "server/zipkin/zipkin_params.h"

namespace tracestore::server {

// Of all traces with a span that started in the window, those of one low half of their ids taken
// together. Names are lower case; ordered by parent, then child. Reads of every such trace what the
// rule looks at, some thousand traces at a time. Errors: as Snapshot::ReadSpans.
Result<std::vector<DependencyLink>> ZipkinDependencies(const Snapshot& snapshot,
                                                       const ZipkinWindow& window);

}  // namespace tracestore::server
