#include "store/engine/segment_merge.h"

#include <algorithm>

#include "base/try.h"

namespace tracestore::store {
namespace {

// Pages that are decoded together: enough that their strings are mapped once for many rows.
constexpr std::uint32_t kPagesAtOnce = 8;

Error Stopped() { return {ErrorCode::kCancelled, "the compaction was stopped"}; }

}  // namespace

Status SegmentMerge::Add(const SnapshotData& data, std::size_t segment) {
  const SegmentReader& reader = *data.segments[segment];
  const bool may_hide = data.MayHide(segment);
  for (std::uint32_t page = 0; page < reader.page_count(); page += kPagesAtOnce) {
    if (stop_ && stop_(read_)) return Stopped();
    const PageInfo& first = reader.pages()[page];
    const PageInfo& last =
        reader.pages()[std::min(page + kPagesAtOnce, reader.page_count()) - 1];
    // Through a batch of their own: of what is deleted no text goes on.
    model::SpanBatch rows;
    Projection everything;
    everything.keep_pages = false;
    TS_TRY(reader.ReadRows(first.first_row, last.first_row + last.rows, everything, rows));
    read_ += rows.size();
    appender_.SetSource(rows);
    for (std::uint32_t row = 0; row < rows.size(); ++row) {
      if (may_hide && data.Hidden(segment, rows.spans[row].trace_id)) continue;
      appender_.Append(row);
    }
  }
  return {};
}

Result<BuiltSegment> SegmentMerge::Build(const SegmentOrigin& origin) {
  if (stop_ && stop_(read_)) return Stopped();
  if (kept_.empty()) return BuiltSegment{};
  return BuildSegment(kept_, origin);
}

}  // namespace tracestore::store
