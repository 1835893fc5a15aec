// The tree of a page's spans: their ids and their parents, and nothing else of it.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "store/segment/row_order.h"
#include "store/segment/trace_table.h"

namespace tracestore::store {

struct PageTree {
  // A row whose parent isn't in the page.
  struct Root {
    std::uint32_t row = 0;
    SpanId parent;  // empty: none at all
  };
  std::vector<std::uint64_t> ids;      // by row of the page
  std::vector<std::uint32_t> parents;  // row of the page; kNoRow of a root
  std::vector<Root> roots;             // by row
};

// Replaces the content of `out`. A parent is a row before its children; between them are only rows
// below it. Errors: kCorruption.
Status ReadPageTree(std::string_view payload, std::uint32_t first_row, std::uint32_t rows,
                    const TraceTable& traces, PageTree& out);

}  // namespace tracestore::store
