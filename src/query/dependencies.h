// Which service calls which (docs/format/semantics.md, "Services").
#pragma once
#include <vector>

#include <tracestore/query.h>
#include <tracestore/status.h>
#include <tracestore/store.h>

#include "query/trace_facts.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// Jaeger's rule (assembly::JaegerLinks): each span that started in the range is a call from each of
// its parents in the trace whose service differs from its own, an error where its status is error.
// Spans without a start count for all of time only, spans equal in every field once, firehose spans
// like others. By parent, then child.
//
// Cost: the summaries of the segments are added up, once a catalog version; read are traces that
// lie in several segments or the head, deleted ones, and those at the edges of the range.
// Any thread. Errors: kIo, kCorruption.
Result<std::vector<DependencyLink>> Dependencies(const store::SnapshotData& data, TimeRange range);

}  // namespace tracestore::query
