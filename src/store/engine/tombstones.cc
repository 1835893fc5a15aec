#include "store/engine/tombstones.h"

#include <algorithm>
#include <utility>

namespace tracestore::store {

TombstoneSet::TombstoneSet(std::vector<Tombstone> tombstones) : tombstones_(std::move(tombstones)) {
  for (const Tombstone& tombstone : tombstones_) {
    highest_ = std::max(highest_, tombstone.position);
    LogPosition& position =
        tombstone.kind == TombstoneKind::kBefore ? before_ : traces_[tombstone.trace_id];
    position = std::max(position, tombstone.position);
  }
}

std::shared_ptr<const TombstoneSet> Advance(const std::shared_ptr<const TombstoneSet>& known,
                                            const CatalogView& view, bool forget) {
  const bool stale = forget && !known->empty() &&
                     (view.oldest_tombstone == 0 ||
                      known->tombstones().front().sequence < view.oldest_tombstone);
  if (view.tombstones.empty() && !stale) return known;
  std::vector<Tombstone> all = known->tombstones();
  const std::uint64_t last = known->last_sequence();
  for (const Tombstone& made : view.tombstones) {
    if (made.sequence > last) all.push_back(made);
  }
  if (stale) {
    // None of the view's own is older than its oldest.
    const std::uint64_t oldest = view.oldest_tombstone == 0 ? UINT64_MAX : view.oldest_tombstone;
    std::erase_if(all, [oldest](const Tombstone& t) { return t.sequence < oldest; });
  }
  return std::make_shared<const TombstoneSet>(std::move(all));
}

}  // namespace tracestore::store
