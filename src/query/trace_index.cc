#include "query/trace_index.h"

#include <algorithm>
#include <string>

#include "store/segment/page_tree.h"

namespace tracestore::query {

using store::PageTree;
using store::SnapshotData;

namespace {

// Below, an index is made again faster than the memo would miss what it had to let go.
constexpr std::uint32_t kLeastRowsKept = 10'000;

std::string KeyOf(TraceId id) { return "trace index " + id.ToHex(); }

}  // namespace

Result<TraceRows> TraceRows::Of(const SnapshotData& data, const std::vector<TracePlace>& places) {
  TraceRows rows;
  std::uint64_t size = 0;
  for (const TracePlace& place : places) {
    TS_TRY_ASSIGN(const auto* table, place.segment->traces());
    const store::TracePart& part = table->parts[place.ordinal];
    rows.parts_.push_back({data.segments[place.number], part.first_row, part.rows,
                           static_cast<std::uint32_t>(size)});
    size += part.rows;
    if (size > 0xFFFFFFFF)
      return Error(ErrorCode::kUnsupported, "a trace has more than 4,294,967,295 spans");
  }
  rows.size_ = static_cast<std::uint32_t>(size);
  return rows;
}

const TraceRows::Part& TraceRows::PartOf(std::uint32_t number) const noexcept {
  const auto after = std::upper_bound(
      parts_.begin(), parts_.end(), number,
      [](std::uint32_t wanted, const Part& part) { return wanted < part.begin; });
  return *std::prev(after);
}

std::size_t TraceRows::EndOfPage(const Part& part, const std::vector<std::uint32_t>& numbers,
                                 std::size_t i) {
  const std::uint32_t first = part.first_row + (numbers[i] - part.begin);
  const store::PageInfo& page = part.segment->pages()[part.segment->PageOfRow(first)];
  const std::uint64_t left =
      std::min<std::uint64_t>(page.first_row + page.rows, part.first_row + part.rows) - first;
  const auto end = std::lower_bound(numbers.begin() + static_cast<std::ptrdiff_t>(i), numbers.end(),
                                    numbers[i] + left);
  return static_cast<std::size_t>(end - numbers.begin());
}

Error TraceRows::Lacks(const Part& part) {
  return {ErrorCode::kCorruption,
          "segment " + part.segment->name() + ": its pages lack rows of its traces"};
}

Status TraceScan::Read(const TraceRows& rows, const StopWhen& stop) {
  ids.reserve(rows.size());
  parentless.assign(rows.parts().size(), false);
  PageTree tree;
  for (std::size_t number = 0; number < rows.parts().size(); ++number) {
    const TraceRows::Part& part = rows.parts()[number];
    const std::uint32_t end = part.first_row + part.rows;
    for (std::uint32_t row = part.first_row; row < end;) {
      TS_TRY(CheckStop(stop));
      const std::uint32_t page = part.segment->PageOfRow(row);
      const store::PageInfo& info = part.segment->pages()[page];
      TS_TRY(part.segment->ReadTree(page, tree));
      const std::uint32_t first = row - info.first_row;
      const std::uint32_t last = std::min(info.rows, end - info.first_row);
      for (const PageTree::Root& root : tree.roots) {
        if (root.row < first || root.row >= last) continue;
        const std::uint32_t in_part = info.first_row + root.row - part.first_row;
        if (root.parent.empty()) parentless[number] = true;
        else parents.push_back({root.parent.value, part.begin + in_part});
      }
      ids.insert(ids.end(), tree.ids.begin() + first, tree.ids.begin() + last);
      row = info.first_row + last;
    }
  }
  return {};
}

Result<std::shared_ptr<const TraceIndex>> TraceIndex::Of(const SnapshotData& data, TraceId id) {
  if (data.memo != nullptr) {
    if (auto known = data.memo->Find<TraceIndex>(KeyOf(id))) return known;
  }
  TS_TRY_ASSIGN(const auto places, FindPlaces(data, id));
  TS_TRY_ASSIGN(TraceRows rows, TraceRows::Of(data, places));
  TraceScan scan;
  TS_TRY(scan.Read(rows, data.stop));
  auto index = std::make_shared<const TraceIndex>(std::move(rows), IdTable(scan.ids),
                                                  IdTable(scan.parents));
  Keep(data, id, index);
  return index;
}

void TraceIndex::Keep(const SnapshotData& data, TraceId id,
                      std::shared_ptr<const TraceIndex> index) {
  if (data.memo == nullptr || index->rows().size() < kLeastRowsKept) return;
  const std::size_t bytes = index->memory_bytes() + KeyOf(id).size();
  data.memo->Keep(KeyOf(id), std::move(index), bytes);
}

}  // namespace tracestore::query
