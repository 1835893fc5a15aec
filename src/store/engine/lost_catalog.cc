#include "store/engine/lost_catalog.h"

#include <algorithm>
#include <vector>

#include "base/try.h"
#include "store/engine/segment_cache.h"
#include "store/log/log_format.h"

namespace tracestore::store {

Status CheckNotLost(fs::FileSystem& files, const std::string& directory, const CatalogView& view) {
  if (view.segments_version != 0) return {};
  const std::string segments = fs::JoinPath(directory, "segments");
  const std::string wal = fs::JoinPath(directory, "wal");
  TS_TRY_ASSIGN(const bool any, files.Exists(segments));
  if (!any) return {};
  TS_TRY_ASSIGN(const auto entries, files.List(segments));
  const std::string first = SegmentPath(directory, SegmentId{1});
  std::size_t whole = 0;
  bool later = false;
  for (const fs::DirectoryEntry& entry : entries) {
    if (!entry.name.ends_with(".seg")) continue;
    ++whole;
    later = later || fs::JoinPath(segments, entry.name) != first;
  }
  if (whole == 0) return {};
  std::vector<std::uint64_t> logs;
  if (auto listed = ListLogs(files, wal); listed.has_value()) logs = std::move(*listed);
  const bool from_the_first = std::find(logs.begin(), logs.end(), 1) != logs.end();
  if (!later && from_the_first) return {};
  return Error(ErrorCode::kCorruption,
               "catalog " + fs::JoinPath(directory, "catalog") + ": it is empty, but " +
                   std::to_string(whole) + " segments stand in " + segments +
                   ": it was lost; tracestore repair makes it of them");
}

}  // namespace tracestore::store
