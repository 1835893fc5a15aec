// CutPages: where the pages of a segment end (docs/format/segment.md, "Pages").
#pragma once
#include <cstdint>
#include <vector>

#include "model/span_batch.h"
#include "store/segment/row_order.h"
#include "store/segment/shape_builder.h"

namespace tracestore::store {

// The row after the last of each page, ascending. At trace boundaries where a page has room for the
// trace, else within it. `shapes` are of the same batch and order.
std::vector<std::uint32_t> CutPages(const model::SpanBatch& batch, const RowOrder& order,
                                    const Shapes& shapes);

}  // namespace tracestore::store
