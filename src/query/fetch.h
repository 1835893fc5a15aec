// All spans of one trace, wherever they stand. Calls stop when SnapshotData::stop says so.
#pragma once
#include <memory>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>
#include <tracestore/summary.h>

#include "base/memory_budget.h"
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

// Rows [first, last) of a segment as SegmentReader::ReadRows gives them. `hold` stands for `out`,
// all of it: some pages at a time, so that a query that is refused its memory has taken little
// more. Errors also: kBusy.
Status ReadHeld(const store::SegmentReader& segment, std::uint32_t first, std::uint32_t last,
                const store::Projection& projection, const StopWhen& stop, MemoryHold& hold,
                model::SpanBatch& out);

// Appends every span of the trace to `out`: segments first, then the head. What it takes is counted
// while it runs (SnapshotData::account), and afterwards where a `hold` stands for `out`. Errors
// also: kBusy.
Status FetchInto(const store::SnapshotData& data, TraceId id, model::SpanBatch& out);
// The same, stopping when `stop` says so instead.
Status FetchInto(const store::SnapshotData& data, TraceId id, model::SpanBatch& out,
                 const StopWhen& stop);
Status FetchInto(const store::SnapshotData& data, TraceId id, model::SpanBatch& out,
                 const StopWhen& stop, MemoryHold& hold);

// A batch whose memory is counted until its last owner lets it go.
struct HeldBatch {
  explicit HeldBatch(const store::SnapshotData& data) : hold(data.account) {}
  model::SpanBatch batch;
  MemoryHold hold;
};
// The batch of it, which keeps all of it.
std::shared_ptr<model::SpanBatch> BatchOf(std::shared_ptr<HeldBatch> held);

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
