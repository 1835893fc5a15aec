#include "store/catalog/memory_catalog.h"

#include <algorithm>

#include "base/try.h"
#include "store/catalog/catalog_format.h"

namespace tracestore::store {

Result<CatalogView> MemoryCatalog::Read(const CatalogReadOptions& options) {
  const std::lock_guard lock(disk_->mutex);
  CatalogView view = disk_->view;
  for (const auto& [id, info] : disk_->segments) view.segments.push_back(info);
  if (!disk_->tombstones.empty()) view.oldest_tombstone = disk_->tombstones.begin()->first;
  if (options.straddlers_after) {
    for (const auto& [straddler, version] : disk_->straddlers) {
      if (version > *options.straddlers_after) view.straddlers.push_back(straddler);
    }
  }
  if (options.tombstones_after) {
    for (auto at = disk_->tombstones.upper_bound(*options.tombstones_after);
         at != disk_->tombstones.end(); ++at) {
      view.tombstones.push_back(at->second);
    }
  }
  return view;
}

Result<bool> MemoryCatalog::IsCurrent(std::uint64_t version) {
  const std::lock_guard lock(disk_->mutex);
  return disk_->view.version == version;
}

Result<std::vector<SegmentId>> MemoryCatalog::FindStraddler(std::uint64_t trace_id_low) {
  const std::lock_guard lock(disk_->mutex);
  std::vector<SegmentId> found;
  for (auto at = disk_->straddlers.lower_bound({trace_id_low, SegmentId{0}});
       at != disk_->straddlers.end() && at->first.trace_id_low == trace_id_low; ++at) {
    found.push_back(at->first.segment);
  }
  return found;
}

Result<std::uint64_t> MemoryCatalog::CommitSeal(const SealCommit& commit) {
  const std::lock_guard lock(disk_->mutex);
  TS_TRY_ASSIGN(const SegmentId next, CheckSealNumbers(commit, disk_->view));
  auto segments = disk_->segments;
  auto straddlers = disk_->straddlers;
  const std::uint64_t version = disk_->view.version + 1;
  for (const SegmentId id : commit.removed) {
    if (segments.erase(id) == 0) return NotLive("remove", id);
    std::erase_if(straddlers, [id](const auto& entry) { return entry.first.segment == id; });
  }
  for (const SegmentInfo& info : commit.added) {
    if (!segments.emplace(info.id, info).second) return AlreadyLive(info.id);
  }
  for (const Straddler& straddler : commit.straddlers) {
    if (!segments.contains(straddler.segment)) return NotLive("straddler", straddler.segment);
    straddlers.emplace(straddler, version);
  }
  TS_TRY(BeforeCommit());
  disk_->segments = std::move(segments);
  disk_->straddlers = std::move(straddlers);
  for (const std::uint64_t sequence : commit.removed_tombstones) {
    if (disk_->tombstones.erase(sequence) != 0) disk_->view.tombstones_version = version;
  }
  disk_->view.version = version;
  disk_->view.segments_version = version;
  disk_->view.next_segment_id = next;
  disk_->view.retired_before = commit.retired_before.value_or(disk_->view.retired_before);
  return version;
}

Result<std::uint64_t> MemoryCatalog::AddTombstones(
    const std::vector<NewTombstone>& tombstones,
    const std::function<Result<LogPosition>()>& position, const KeepTombstones& keep) {
  const std::lock_guard lock(disk_->mutex);
  TS_TRY_ASSIGN(LogPosition at, position());
  at = std::max(at, LogPosition{disk_->view.retired_before, 0});
  std::vector<Tombstone> added;
  for (const NewTombstone& made : tombstones)
    added.push_back({disk_->next_tombstone + added.size(), made.kind, made.trace_id, at});
  if (keep && !added.empty()) TS_TRY(keep(added));
  TS_TRY(BeforeCommit());
  for (const Tombstone& tombstone : added) disk_->tombstones[tombstone.sequence] = tombstone;
  disk_->next_tombstone += added.size();
  if (!tombstones.empty()) disk_->view.tombstones_version = ++disk_->view.version;
  return disk_->next_tombstone - 1;
}

Status MemoryCatalog::HoldTombstones(const KeepTombstones& keep) {
  const std::lock_guard lock(disk_->mutex);
  std::vector<Tombstone> all;
  for (const auto& [sequence, tombstone] : disk_->tombstones) all.push_back(tombstone);
  return keep(all);
}

Result<std::vector<Tombstone>> MemoryCatalog::ListTombstones() {
  TS_TRY_ASSIGN(CatalogView view, Read({.straddlers_after = {}, .tombstones_after = 0}));
  return std::move(view.tombstones);
}

Status MemoryCatalog::RemoveTombstones(const std::vector<std::uint64_t>& sequences) {
  const std::lock_guard lock(disk_->mutex);
  TS_TRY(BeforeCommit());
  bool removed = false;
  for (const std::uint64_t sequence : sequences) {
    removed = disk_->tombstones.erase(sequence) != 0 || removed;
  }
  if (removed) disk_->view.tombstones_version = ++disk_->view.version;
  return {};
}

Result<std::optional<std::string>> MemoryCatalog::GetSetting(const std::string& key) {
  TS_TRY(CheckSetting(key, ""));
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->settings.find(key);
  if (found == disk_->settings.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

Status MemoryCatalog::PutSetting(const std::string& key, const std::string& value) {
  TS_TRY(CheckSetting(key, value));
  const std::lock_guard lock(disk_->mutex);
  TS_TRY(BeforeCommit());
  disk_->settings[key] = value;
  ++disk_->view.version;
  return {};
}

Status MemoryCatalog::RemoveSetting(const std::string& key) {
  TS_TRY(CheckSetting(key, ""));
  const std::lock_guard lock(disk_->mutex);
  TS_TRY(BeforeCommit());
  if (disk_->settings.erase(key) != 0) ++disk_->view.version;
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> MemoryCatalog::ListSettings() {
  const std::lock_guard lock(disk_->mutex);
  return std::vector<std::pair<std::string, std::string>>(disk_->settings.begin(),
                                                          disk_->settings.end());
}

}  // namespace tracestore::store
