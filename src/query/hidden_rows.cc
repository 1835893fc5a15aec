#include "query/hidden_rows.h"

#include <algorithm>

#include "base/try.h"

namespace tracestore::query {

using store::SnapshotData;
using store::TracePart;

Status ForEachHiddenBatch(const SnapshotData& data, std::size_t segment,
                          const store::Projection& projection,
                          const std::function<void(const model::SpanBatch&)>& visit) {
  TS_TRY_ASSIGN(const auto hidden, HiddenParts(data, segment));
  if (hidden.empty()) return {};
  const store::SegmentReader& reader = *data.segments[segment];
  TS_TRY_ASSIGN(const auto* table, reader.traces());
  // Page by page, so that each is decoded once and a huge trace is never in memory as a whole.
  std::uint32_t row = 0;  // rows before are done
  for (std::size_t i = 0; i < hidden.size();) {
    const std::uint32_t begin = std::max(row, table->parts[hidden[i]].first_row);
    const store::PageInfo& page = reader.pages()[reader.PageOfRow(begin)];
    row = page.first_row + page.rows;
    std::uint32_t end = begin;
    for (; i < hidden.size() && table->parts[hidden[i]].first_row < row; ++i) {
      const TracePart& part = table->parts[hidden[i]];
      end = std::min(part.first_row + part.rows, row);
      if (part.first_row + part.rows > row) break;  // it goes on in the next page
    }
    model::SpanBatch rows;
    TS_TRY(reader.ReadRows(begin, end, projection, rows, data.stop));
    std::erase_if(rows.spans, [&](const model::SpanRecord& span) {
      return !data.Hidden(segment, span.trace_id);
    });
    visit(rows);
  }
  return {};
}

}  // namespace tracestore::query
