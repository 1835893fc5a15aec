#include "query/hidden_rows.h"

#include <algorithm>

#include "base/try.h"

namespace tracestore::query {

using store::SnapshotData;
using store::TracePart;

Result<std::vector<std::uint32_t>> HiddenParts(const SnapshotData& data, std::size_t segment) {
  std::vector<std::uint32_t> hidden;
  if (!data.MayHide(segment)) return hidden;
  const store::SegmentReader& reader = *data.segments[segment];
  const auto& tombstones = data.tombstones->tombstones();
  if (tombstones.size() < reader.meta().traces) {
    for (const store::Tombstone& tombstone : tombstones) {
      if (!data.Hidden(segment, tombstone.trace_id)) continue;
      TS_TRY_ASSIGN(const auto parts, reader.FindTrace(tombstone.trace_id));
      hidden.insert(hidden.end(), parts.begin(), parts.end());
    }
    std::sort(hidden.begin(), hidden.end());
    hidden.erase(std::unique(hidden.begin(), hidden.end()), hidden.end());
    return hidden;
  }
  TS_TRY_ASSIGN(const auto* table, reader.traces());
  for (std::uint32_t i = 0; i < table->parts.size(); ++i) {
    if (data.Hidden(segment, table->parts[i].id)) hidden.push_back(i);
  }
  return hidden;
}

Result<std::uint64_t> HiddenRowCount(const SnapshotData& data, std::size_t segment) {
  std::uint64_t rows = 0;
  TS_TRY_ASSIGN(const auto hidden, HiddenParts(data, segment));
  if (hidden.empty()) return rows;
  TS_TRY_ASSIGN(const auto* table, data.segments[segment]->traces());
  for (const std::uint32_t part : hidden) rows += table->parts[part].rows;
  return rows;
}

Status ForEachHiddenBatch(const SnapshotData& data, std::size_t segment,
                          const store::Projection& projection,
                          const std::function<void(const model::SpanBatch&)>& visit) {
  TS_TRY_ASSIGN(const auto hidden, HiddenParts(data, segment));
  if (hidden.empty()) return {};
  const store::SegmentReader& reader = *data.segments[segment];
  TS_TRY_ASSIGN(const auto* table, reader.traces());
  for (std::size_t first = 0; first < hidden.size();) {
    // The parts that begin in one page, so that each page is decoded about once.
    const std::uint32_t first_row = table->parts[hidden[first]].first_row;
    const std::uint32_t page = reader.PageOfRow(first_row);
    std::size_t last = first + 1;
    while (last < hidden.size() &&
           reader.PageOfRow(table->parts[hidden[last]].first_row) == page) {
      ++last;
    }
    const TracePart& end = table->parts[hidden[last - 1]];
    model::SpanBatch rows;
    TS_TRY(reader.ReadRows(first_row, end.first_row + end.rows, projection, rows));
    std::erase_if(rows.spans, [&](const model::SpanRecord& span) {
      return !data.Hidden(segment, span.trace_id);
    });
    visit(rows);
    first = last;
  }
  return {};
}

}  // namespace tracestore::query
