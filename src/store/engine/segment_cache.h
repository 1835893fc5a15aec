// SegmentCache: the segments of a directory that are open, and the traces that straddle them.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "store/catalog/catalog.h"
#include "store/engine/snapshot.h"
#include "store/segment/segment_reader.h"

namespace tracestore::store {

// "segments/0000000000000007.seg" for id 7.
std::string SegmentPath(const std::string& directory, SegmentId id);
// Whether a segment, or one that is being written ("….seg.tmp"), has this file name.
bool IsSegmentFileName(std::string_view name);

// Any thread.
class SegmentCache {
 public:
  SegmentCache(fs::FileSystem& files, std::string directory, std::shared_ptr<QueryMemory> memory)
      : files_(files), directory_(std::move(directory)), memory_(std::move(memory)),
        memo_(memory_->MakeMemo()) {}

  const std::shared_ptr<QueryMemory>& memory() const noexcept { return memory_; }

  // Opens the live segments that aren't open yet, lets go of those that are live no more, and fills
  // in the snapshot's segments, straddlers and tombstones, all of one moment. Segments of which
  // deletes hide every row are left out. kNotFound where a file is gone: the catalog must be read
  // again. `view` has what straddlers and tombstones are new since the call before.
  Status Refresh(Catalog& catalog, CatalogView& view, SnapshotData& data);

 private:
  bool IsCurrent(Catalog& catalog) const;
  void Fill(SnapshotData& data) const;

  fs::FileSystem& files_;
  const std::string directory_;
  const std::shared_ptr<QueryMemory> memory_;
  std::mutex mutex_;  // guards what follows
  std::map<std::uint64_t, std::shared_ptr<const SegmentReader>> open_;
  std::set<Straddler> straddlers_;
  std::shared_ptr<const StraddlerSet> straddler_set_ = std::make_shared<StraddlerSet>();
  std::uint64_t segments_version_ = 0;
  std::shared_ptr<const TombstoneSet> tombstones_ = std::make_shared<TombstoneSet>();
  std::shared_ptr<Memo> memo_;
  CatalogView view_;  // what was read last, without what it had of straddlers and tombstones
  std::vector<std::shared_ptr<const SegmentReader>> shown_;
  std::vector<SegmentPlace> places_;  // of those
};

}  // namespace tracestore::store
