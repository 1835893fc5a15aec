// SnapshotData: one moment of a store, or of files: immutable segments and head batches.
#pragma once
#include <algorithm>
#include <compare>
#include <cstdint>
#include <memory>
#include <tuple>
#include <unordered_set>
#include <vector>

#include <tracestore/query.h>

#include "base/id_hash.h"
#include "base/memory_budget.h"
#include "model/span_batch.h"
#include "store/engine/memo.h"
#include "store/engine/query_memory.h"
#include "store/engine/tombstones.h"
#include "store/segment/segment_reader.h"

namespace tracestore::store {

// Some spans of the head, with an index by trace. Immutable: any thread reads.
class HeadBatch {
 public:
  // Rows [first_row, the next run's) came in the record of the log that ends at `end`.
  struct Run {
    std::uint32_t first_row = 0;
    LogPosition end{};
  };

  // `runs` ascending by row, the first at row 0, ends rising.
  HeadBatch(model::SpanBatch batch, std::vector<Run> runs)
      : batch_(std::move(batch)), runs_(std::move(runs)) {
    by_trace_.reserve(batch_.size());
    for (std::uint32_t row = 0; row < batch_.size(); ++row)
      by_trace_.push_back({batch_.spans[row].trace_id, row});
    std::sort(by_trace_.begin(), by_trace_.end());
  }
  explicit HeadBatch(model::SpanBatch batch, LogPosition end = {})
      : HeadBatch(std::move(batch), {Run{0, end}}) {}
  const model::SpanBatch& batch() const noexcept { return batch_; }
  const std::vector<Run>& runs() const noexcept { return runs_; }

  // Calls `visit(row)` for each row of the trace.
  template <typename Visit>
  void ForEachRow(TraceId id, const Visit& visit) const {
    for (auto at = std::lower_bound(by_trace_.begin(), by_trace_.end(), Entry{id, 0});
         at != by_trace_.end() && at->id == id; ++at) {
      visit(at->row);
    }
  }
  bool HasTrace(TraceId id) const noexcept {
    const auto at = std::lower_bound(by_trace_.begin(), by_trace_.end(), Entry{id, 0});
    return at != by_trace_.end() && at->id == id;
  }
  // Calls `visit(id)` for each trace whose id has this low half.
  template <typename Visit>
  void ForEachTraceWithLow(std::uint64_t low, const Visit& visit) const {
    auto at = std::lower_bound(by_trace_.begin(), by_trace_.end(), Entry{{0, low}, 0});
    while (at != by_trace_.end() && at->id.low == low) {
      const TraceId id = at->id;
      visit(id);
      while (at != by_trace_.end() && at->id == id) ++at;
    }
  }
  std::size_t memory_bytes() const noexcept {
    return batch_.memory_bytes() + by_trace_.capacity() * sizeof(Entry) +
           runs_.capacity() * sizeof(Run);
  }

 private:
  struct Entry {
    TraceId id;
    std::uint32_t row;
    // By the low half of the id first, by which traces are looked up, too.
    std::strong_ordering operator<=>(const Entry& other) const noexcept {
      return std::tie(id.low, id.high, row) <=> std::tie(other.id.low, other.id.high, other.row);
    }
  };
  model::SpanBatch batch_;
  std::vector<Run> runs_;
  std::vector<Entry> by_trace_;
};

using StraddlerSet = std::unordered_set<std::uint64_t, base::IdHash>;  // low halves of trace ids

// What the catalog says of an open segment.
struct SegmentPlace {
  SegmentId id{};
  LogPosition log_end{};  // SegmentInfo::log_end
};

struct SnapshotData {
  std::vector<std::shared_ptr<const SegmentReader>> segments;
  std::vector<std::shared_ptr<const HeadBatch>> head;
  // Traces with rows in more than one segment, whether or not the head has some too.
  std::shared_ptr<const StraddlerSet> straddlers;
  std::uint64_t log_bytes = 0;
  // What deletes have hidden; null where there are none. The head holds no hidden row, nor are
  // segments here of which every row is hidden: to look at is only Hidden(), for rows of segments.
  std::shared_ptr<const TombstoneSet> tombstones{};
  std::vector<SegmentPlace> places{};  // by segment; empty for those of no store
  StopWhen stop{};                     // what reads them looks at it for every page
  // Whose the spans are that are read here, and what searches keep; null: nobody counts them.
  std::shared_ptr<MemoryAccount> account{};
  // Of what follows from segments, straddlers and tombstones alone; null where nothing is kept.
  std::shared_ptr<Memo> memo{};
  // What queries keep; null where nothing is kept.
  std::shared_ptr<QueryMemory> memory{};

  // Whether the rows of a trace in segments[segment] are deleted. Costs nothing without tombstones.
  bool Hidden(std::size_t segment, TraceId id) const noexcept {
    return tombstones != nullptr && segment < places.size() &&
           tombstones->Hides(id, places[segment].log_end);
  }
  // False: no row of segments[segment] is hidden.
  bool MayHide(std::size_t segment) const noexcept {
    return tombstones != nullptr && segment < places.size() &&
           tombstones->MayHide(places[segment].log_end);
  }
};

}  // namespace tracestore::store
