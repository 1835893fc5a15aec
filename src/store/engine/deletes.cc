#include "store/engine/deletes.h"

#include <algorithm>

#include "base/try.h"
#include "store/engine/engine.h"
#include "store/engine/tombstone_file.h"

namespace tracestore::store {
namespace {

// Tombstones of one transaction: what a large delete keeps in memory is bounded.
constexpr std::size_t kMostInOneTransaction = 65'536;

bool Has(const std::vector<SegmentId>& ids, SegmentId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Whether a live segment, but for `removed`, has a row that this tombstone hides.
Result<bool> StillHides(const Tombstone& tombstone, const CatalogView& view,
                        const SnapshotData& live, const std::vector<SegmentId>& removed) {
  if (tombstone.kind == TombstoneKind::kBefore) {
    return std::any_of(view.segments.begin(), view.segments.end(), [&](const SegmentInfo& info) {
      return info.log_end <= tombstone.position && !Has(removed, info.id);
    });
  }
  for (std::size_t i = 0; i < live.segments.size(); ++i) {
    if (tombstone.position < live.places[i].log_end || Has(removed, live.places[i].id)) continue;
    TS_TRY_ASSIGN(const auto parts, live.segments[i]->FindTrace(tombstone.trace_id));
    if (!parts.empty()) return true;
  }
  return false;
}

}  // namespace

Result<LogPosition> EndOfLog(fs::FileSystem& files, const std::string& wal_directory) {
  TS_TRY_ASSIGN(const auto numbers, ListLogs(files, wal_directory));
  if (numbers.empty()) return LogPosition{};
  const std::uint64_t last = numbers.back();
  const auto bytes = files.FileSize(fs::JoinPath(wal_directory, LogFileName(last)));
  if (bytes.has_value()) return LogPosition{last, *bytes};
  // It was retired meanwhile, and the catalog knows: positions in it count as behind it.
  if (bytes.error().code() == ErrorCode::kNotFound) return LogPosition{last, 0};
  return bytes.error();
}

std::vector<SegmentId> WhollyHidden(const CatalogView& view, const SnapshotData& live) {
  std::vector<SegmentId> hidden;
  auto shown = live.places.begin();  // both ascend by id
  for (const SegmentInfo& info : view.segments) {
    if (shown != live.places.end() && shown->id == info.id) ++shown;
    else hidden.push_back(info.id);
  }
  return hidden;
}

Result<std::vector<std::uint64_t>> FinishedTombstones(const CatalogView& view,
                                                      const SnapshotData& live,
                                                      const std::vector<SegmentId>& removed,
                                                      std::uint64_t retired_before) {
  std::vector<std::uint64_t> finished;
  if (live.tombstones == nullptr) return finished;
  for (const Tombstone& tombstone : live.tombstones->tombstones()) {
    if (LogPosition{retired_before, 0} < tombstone.position) continue;
    TS_TRY_ASSIGN(const bool needed, StillHides(tombstone, view, live, removed));
    if (!needed) finished.push_back(tombstone.sequence);
  }
  return finished;
}

Status Engine::Delete(const std::vector<NewTombstone>& tombstones) {
  TS_TRY(CheckOpen());
  if (catalog_->read_only()) {
    return Error(ErrorCode::kIo, "nothing can be deleted from " + directory_ +
                                     ": its catalog can't be written by this user, or lies on a "
                                     "medium that is for reading only");
  }
  TS_TRY_ASSIGN(const bool kept, files_.Exists(TombstonePath(directory_)));
  if (!kept) TS_TRY(RenewTombstoneFile(files_, directory_, *catalog_));  // of an older store
  for (std::size_t at = 0; at < tombstones.size(); at += kMostInOneTransaction) {
    const auto first = tombstones.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = std::min(kMostInOneTransaction, tombstones.size() - at);
    const std::vector<NewTombstone> some(first, first + static_cast<std::ptrdiff_t>(count));
    TS_TRY(catalog_->AddTombstones(
        some, [this] { return EndOfLog(files_, fs::JoinPath(directory_, "wal")); },
        [this](const std::vector<Tombstone>& made) {
          return KeepInTombstoneFile(files_, directory_, made);
        }));
  }
  Metric("tombstones_added", static_cast<double>(tombstones.size()));
  return {};
}

// Of the writer. A file that lags behind costs nothing as long as the catalog stands.
void Engine::RenewTombstones() {
  if (auto renewed = RenewTombstoneFile(files_, directory_, *catalog_); !renewed.has_value())
    Log(LogLevel::kWarning, "the second copy of the tombstones: " + renewed.error().message());
}

// The caller holds state_mutex_. Takes up what any process has deleted since.
Status Engine::HideDeleted() {
  TS_TRY_ASSIGN(const bool current, catalog_->IsCurrent(tombstones_as_of_));
  if (current) return {};
  CatalogReadOptions options;
  options.tombstones_after = tombstones_->last_sequence();
  TS_TRY_ASSIGN(const CatalogView view, catalog_->Read(options));
  // The segments in use may be older than this view: nothing is forgotten.
  UseTombstones(Advance(tombstones_, view, false));
  tombstones_as_of_ = view.version;
  return {};
}

// The caller holds state_mutex_.
void Engine::UseTombstones(const std::shared_ptr<const TombstoneSet>& tombstones) {
  const bool changed = tombstones != tombstones_;
  tombstones_ = tombstones;
  published_.tombstones = tombstones->empty() ? nullptr : tombstones;
  for (std::size_t i = published_.places.size(); i-- > 0;) {
    if (!tombstones->HidesAll(published_.places[i].log_end)) continue;
    published_.places.erase(published_.places.begin() + static_cast<std::ptrdiff_t>(i));
    published_.segments.erase(published_.segments.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (!changed) return;
  published_.memo = segments_.memory()->MakeMemo();
  head_->Hide(tombstones);
  for (Frozen& frozen : frozen_) {
    // A seal may be reading the one that stands.
    auto left = std::make_shared<Head>(*frozen.head);
    left->Hide(tombstones);
    frozen_bytes_ -= frozen.head->memory_bytes() - left->memory_bytes();
    frozen.head = std::move(left);
  }
}

// The caller holds state_mutex_. `live` and `view` are of one SegmentCache::Refresh.
void Engine::UseSegments(const CatalogView& view, SnapshotData&& live) {
  published_ = std::move(live);
  published_as_of_ = view.segments_version;
  if (view.version < tombstones_as_of_) {
    UseTombstones(tombstones_);  // which has all that the view has
    return;
  }
  tombstones_as_of_ = view.version;
  UseTombstones(published_.tombstones != nullptr ? published_.tombstones
                                                 : std::make_shared<const TombstoneSet>());
}

void Engine::RemoveSegmentFiles(const std::vector<SegmentId>& ids) {
  for (const SegmentId id : ids) {
    const std::string path = SegmentPath(directory_, id);
    if (auto removed = files_.Unlink(path); !removed.has_value())
      Log(LogLevel::kWarning, "a segment that is live no more could not be removed: " + path);
  }
}

}  // namespace tracestore::store
