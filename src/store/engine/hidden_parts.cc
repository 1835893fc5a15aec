#include "store/engine/hidden_parts.h"

#include <algorithm>

#include "base/try.h"

namespace tracestore::store {

Result<std::vector<std::uint32_t>> HiddenParts(const SnapshotData& data, std::size_t segment) {
  std::vector<std::uint32_t> hidden;
  if (!data.MayHide(segment)) return hidden;
  const SegmentReader& reader = *data.segments[segment];
  const auto& tombstones = data.tombstones->tombstones();
  if (tombstones.size() < reader.meta().traces) {
    for (const Tombstone& tombstone : tombstones) {
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

}  // namespace tracestore::store
