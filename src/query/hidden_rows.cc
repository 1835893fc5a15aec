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
    TS_TRY(reader.ReadRows(begin, end, projection, rows));
    std::erase_if(rows.spans, [&](const model::SpanRecord& span) {
      return !data.Hidden(segment, span.trace_id);
    });
    visit(rows);
  }
  return {};
}

}  // namespace tracestore::query
