// TombstoneSet: which rows deletes have hidden (docs/format/catalog.md, "Tombstones").
//
// A row is hidden by a tombstone on its trace (or on all rows) when the row's place in the log ends
// at or before the tombstone's position. The place of a row in log or head is its record's; that
// of a row in a segment is the end of the segment's log range, for a seal or compaction leaves no
// row in a segment that a tombstone within that range hides.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include <tracestore/ids.h>

#include "base/id_hash.h"
#include "store/catalog/catalog.h"
#include "store/log/log_format.h"

namespace tracestore::store {

// Immutable once shared: any thread reads. Memory: about 120 bytes a tombstone.
class TombstoneSet {
 public:
  TombstoneSet() = default;
  // `tombstones` ascending by sequence.
  explicit TombstoneSet(std::vector<Tombstone> tombstones);

  // Whether a row of the trace is hidden whose place in the log ends at `end`.
  bool Hides(TraceId id, LogPosition end) const noexcept {
    if (HidesAll(end)) return true;
    if (highest_ < end) return false;
    const auto found = traces_.find(id);
    return found != traces_.end() && end <= found->second;
  }
  // Whether every row is hidden whose place ends at `end`.
  bool HidesAll(LogPosition end) const noexcept {
    return before_.file_number != 0 && end <= before_;
  }
  // False: nothing whose place ends at `end` or later is hidden.
  bool MayHide(LogPosition end) const noexcept {
    return !tombstones_.empty() && end <= highest_;
  }

  const std::vector<Tombstone>& tombstones() const noexcept { return tombstones_; }
  bool empty() const noexcept { return tombstones_.empty(); }
  // Of the latest; 0 when there is none.
  std::uint64_t last_sequence() const noexcept {
    return tombstones_.empty() ? 0 : tombstones_.back().sequence;
  }
  LogPosition highest() const noexcept { return highest_; }

 private:
  std::vector<Tombstone> tombstones_;
  // The highest position of each.
  std::unordered_map<TraceId, LogPosition, base::TraceIdHash> traces_;
  LogPosition before_{};   // all rows up to here are hidden
  LogPosition highest_{};  // of all positions
};

// `known` and the tombstones of `view`, which was read with tombstones_after =
// known->last_sequence(). Those below the view's oldest are forgotten only where `forget`: where
// the segments in use are the view's, too. Gives `known` itself where nothing changed.
std::shared_ptr<const TombstoneSet> Advance(const std::shared_ptr<const TombstoneSet>& known,
                                            const CatalogView& view, bool forget);

}  // namespace tracestore::store
