// The ids of a page's spans and of their parents, and nothing else of it.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "store/segment/trace_table.h"

namespace tracestore::store {

struct SpanEdge {
  SpanId span_id;
  SpanId parent_id;       // empty if none
  std::uint32_t row = 0;  // of the segment
};

// Appends an edge for each row of the page. Errors: kCorruption.
Status ReadPageEdges(std::string_view payload, std::uint32_t first_row, std::uint32_t rows,
                     const TraceTable& traces, std::vector<SpanEdge>& out);

}  // namespace tracestore::store
