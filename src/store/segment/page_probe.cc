#include "store/segment/page_probe.h"

#include "base/bytes.h"
#include "base/try.h"
#include "store/segment/page_directory.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {

std::vector<std::uint32_t> StringColumnsOf(const SegmentTables& tables, std::uint32_t key) {
  std::vector<std::uint32_t> columns;
  for (std::uint32_t i = kStatusMessageColumn + 1; i < tables.columns.size(); ++i) {
    const Column& column = tables.columns[i];
    const auto type = static_cast<ValueType>(column.type_byte & 0x7F);
    if (column.key == key && type == ValueType::kString) columns.push_back(i);
  }
  return columns;
}

Result<bool> PageMayHaveText(std::string_view payload, std::uint32_t rows,
                             const PageContext& context,
                             const std::vector<std::uint32_t>& columns, std::string_view text) {
  thread_local PageDirectory directory;
  TS_TRY(directory.Parse(payload, rows));
  if (directory.Find(static_cast<std::uint32_t>(StreamKind::kResidue)) != nullptr) return true;
  const column::TemplateTable none;
  std::vector<std::uint32_t> found;
  for (const std::uint32_t column : columns) {
    const auto templates = context.templates->find(column);
    const auto& table = templates == context.templates->end() ? none : templates->second;
    for (const ColumnStream kind : {ColumnStream::kRaw, ColumnStream::kEventRaw}) {
      const auto* stream = directory.Find(ColumnStreamId(column, kind));
      if (stream == nullptr) continue;
      base::ByteReader in(stream->bytes);
      TS_TRY(column::FindTemplated(in, stream->count, table, kMaxPageTextBytes, text, found));
      if (!found.empty()) return true;
    }
  }
  return false;
}

}  // namespace tracestore::store
