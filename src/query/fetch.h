// All spans of one trace, wherever they stand. Calls stop when SnapshotData::stop says so.
#pragma once
#include <memory>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>
#include <tracestore/summary.h>

#include "model/span_batch.h"
#include "model/trace_extent.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// Where a part of a trace stands in a segment.
struct TracePlace {
  const store::SegmentReader* segment = nullptr;
  std::uint32_t ordinal = 0;  // in its table of traces
  std::size_t number = 0;     // of SnapshotData::segments
  std::uint32_t rows = 0;
};

// The parts of a trace in segments. Cost: a filter probe a segment, a binary search where it hits.
Result<std::vector<TracePlace>> FindPlaces(const store::SnapshotData& data, TraceId id);

// Appends every span of the trace to `out`: segments first, then the head.
Status FetchInto(const store::SnapshotData& data, TraceId id, model::SpanBatch& out);
// The same, stopping when `stop` says so instead.
Status FetchInto(const store::SnapshotData& data, TraceId id, model::SpanBatch& out,
                 const StopWhen& stop);
// The same in a batch of its own; an empty one where the trace isn't there.
Result<std::shared_ptr<model::SpanBatch>> FetchTrace(const store::SnapshotData& data, TraceId id);

// Earliest start and latest end of the whole trace, without reading its segments' spans.
Result<model::TraceExtent> ExtentOf(const store::SnapshotData& data, TraceId id);

// From the table of traces where the trace is in one segment only, else from its spans. kNotFound.
Result<TraceSummary> SummaryOf(const store::SnapshotData& data, TraceId id);

// All traces whose id has these low 64 bits, ascending.
Result<std::vector<TraceId>> TracesWithLowId(const store::SnapshotData& data, std::uint64_t low);

// Traces whose spans are all firehose ones, which no search finds, ascending. Cost: the pages of
// traces that have such spans.
Result<std::vector<TraceId>> FirehoseTraces(const store::SnapshotData& data);

bool InHead(const store::SnapshotData& data, TraceId id);
// Appends the trace's spans of the head to `out`.
void AppendHeadRows(const store::SnapshotData& data, TraceId id, model::SpanBatch& out);

}  // namespace tracestore::query
