// Distinct spans of a trace: the same span stored twice counts once.
#pragma once
#include <cstdint>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::assembly {

struct DistinctSpans {
  // One row for each distinct span, ordered by start (spans without one last), span id, then
  // content: the order doesn't depend on that of the batch.
  std::vector<std::uint32_t> rows;
  // How many rows of the batch are that span; at least 1.
  std::vector<std::uint32_t> copies;
};

// Spans equal in every field (model::SpansEqual) are one. O(n log n).
DistinctSpans FindDistinct(const model::SpanBatch& batch);
// The same order, every row a span of its own.
DistinctSpans AllRows(const model::SpanBatch& batch);

}  // namespace tracestore::assembly
