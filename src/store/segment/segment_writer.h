// BuildSegment: a batch of spans as the bytes of a segment file (docs/format/segment.md).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "model/span_batch.h"
#include "store/segment/row_hints.h"
#include "store/segment/segment_recovery.h"

namespace tracestore::store {

// What the catalog keeps of a segment, and the file's meta section holds.
struct SegmentMeta {
  std::uint32_t rows = 0;
  std::uint32_t traces = 0;
  std::uint64_t min_start_ns = 0;           // over spans with a start; 0 where none has one
  std::uint64_t max_start_ns = 0;
  std::uint64_t max_end_ns = 0;
  std::uint64_t max_trace_duration_ns = 0;  // over the parts
  bool has_startless = false;               // a span without a start
};

struct BuiltSegment {
  std::string bytes;
  SegmentMeta meta;
  std::vector<TraceId> trace_ids;  // in the order of the table of traces
};

// Pure: no file, no clock. Memory: about twice the batch. Errors: kInvalidArgument for an empty
// batch or one of more than kMaxSegmentRows spans. Without `origin` the segment has none. `hints`
// are of the batch, or empty: they spare work and change no byte.
Result<BuiltSegment> BuildSegment(const model::SpanBatch& batch,
                                  const std::optional<SegmentOrigin>& origin = std::nullopt,
                                  RowHints hints = {});

}  // namespace tracestore::store
