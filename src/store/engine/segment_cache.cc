#include "store/engine/segment_cache.h"

#include <algorithm>
#include <cstdio>

#include "base/try.h"

namespace tracestore::store {

std::string SegmentPath(const std::string& directory, SegmentId id) {
  char name[32];
  (void)std::snprintf(name, sizeof name, "%016llx.seg",
                      static_cast<unsigned long long>(id.value));
  return fs::JoinPath(fs::JoinPath(directory, "segments"), name);
}

bool IsSegmentFileName(std::string_view name) {
  constexpr std::size_t kDigits = 16;
  if (name.size() < kDigits) return false;
  const std::string_view digits = name.substr(0, kDigits);
  const std::string_view rest = name.substr(kDigits);
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         (rest == ".seg" || rest == ".seg.tmp");
}

Status SegmentCache::Refresh(Catalog& catalog, CatalogView& view, SnapshotData& data) {
  const std::lock_guard lock(mutex_);
  if (IsCurrent(catalog)) {
    view = view_;
    Fill(data);
    return {};
  }
  CatalogReadOptions options;
  options.straddlers_after = segments_version_;
  options.tombstones_after = tombstones_->last_sequence();
  TS_TRY_ASSIGN(view, catalog.Read(options));
  if (view.segments_version != segments_version_ || open_.size() != view.segments.size()) {
    std::map<std::uint64_t, std::shared_ptr<const SegmentReader>> live;
    for (const SegmentInfo& info : view.segments) {
      if (const auto known = open_.find(info.id.value); known != open_.end()) {
        live.insert(*known);
        continue;
      }
      const std::string path = SegmentPath(directory_, info.id);
      TS_TRY_ASSIGN(auto file, files_.OpenForRead(path));
      TS_TRY_ASSIGN(auto reader, SegmentReader::Open(std::move(file), path, memory_->pages()));
      live.emplace(info.id.value, std::move(reader));
    }
    std::erase_if(straddlers_,
                  [&](const Straddler& s) { return !live.contains(s.segment.value); });
    straddlers_.insert(view.straddlers.begin(), view.straddlers.end());
    auto set = std::make_shared<StraddlerSet>();
    for (const Straddler& straddler : straddlers_) set->insert(straddler.trace_id_low);
    open_ = std::move(live);
    straddler_set_ = std::move(set);
    segments_version_ = view.segments_version;
    memo_ = memory_->MakeMemo();
  }
  const auto tombstones = Advance(tombstones_, view, true);
  if (tombstones != tombstones_) memo_ = memory_->MakeMemo();
  tombstones_ = tombstones;
  shown_.clear();
  places_.clear();
  for (const SegmentInfo& info : view.segments) {
    if (tombstones_->HidesAll(info.log_end)) continue;
    shown_.push_back(open_.at(info.id.value));
    places_.push_back({info.id, info.log_end});
  }
  view_ = view;
  view_.straddlers.clear();
  view_.tombstones.clear();
  Fill(data);
  return {};
}

// Most snapshots follow one of the same moment: many segments are not gone through again for each.
bool SegmentCache::IsCurrent(Catalog& catalog) const {
  if (view_.version == 0) return false;
  const auto current = catalog.IsCurrent(view_.version);
  return current.has_value() && *current;
}

void SegmentCache::Fill(SnapshotData& data) const {
  data.segments = shown_;
  data.places = places_;
  data.straddlers = straddler_set_;
  data.memo = memo_;
  data.memory = memory_;
  data.tombstones = tombstones_->empty() ? nullptr : tombstones_;
}

}  // namespace tracestore::store
