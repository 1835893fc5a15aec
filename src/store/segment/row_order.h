// The order of a segment's rows: traces by start, a trace's rows in preorder, children by start.
#pragma once
#include <cstdint>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::store {

inline constexpr std::uint32_t kNoRow = 0xFFFFFFFF;

// The rows of one trace within a segment or head.
struct TraceRows {
  TraceId id;
  std::uint32_t first_row = 0;  // in the new order
  std::uint32_t rows = 0;
  std::uint64_t start_ns = 0;   // least start of the spans that have one; 0 if none has
  std::uint64_t end_ns = 0;     // greatest end (start without a duration counts as its end)
};

struct RowOrder {
  std::vector<std::uint32_t> rows;     // new position -> row of the batch
  std::vector<std::uint32_t> parents;  // new position -> new position of its parent, or kNoRow
  std::vector<TraceRows> traces;
};

// A parent is the row with the span's parent_id in the same trace (the first by start, where
// several share an id); where following parents would come round to the span itself, one edge of
// the circle is left out. Parents stand before their children. O(n log n), nothing recursive.
RowOrder OrderRows(const model::SpanBatch& batch);

}  // namespace tracestore::store
