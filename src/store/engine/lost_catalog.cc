#include "store/engine/lost_catalog.h"

#include <algorithm>
#include <vector>

#include "base/try.h"
#include "store/log/log_format.h"

namespace tracestore::store {
namespace {

// Logs are unlinked in their order, the lowest first. A writer leaves numbers out only for tombstones
// that were read at them.
bool HasAllFromTheFirst(const std::vector<std::uint64_t>& logs, const CatalogView& view) {
  if (logs.empty()) return false;
  std::uint64_t excused = 0;
  for (const Tombstone& tombstone : view.tombstones)
    excused = std::max(excused, tombstone.position.file_number);
  std::uint64_t next = 1;
  for (const std::uint64_t number : logs) {
    if (number > std::max(next, excused + 1)) return false;
    next = number + 1;
  }
  return true;
}

}  // namespace

Status CheckNotLost(fs::FileSystem& files, const std::string& directory, const CatalogView& view) {
  if (view.segments_version != 0) return {};
  const std::string segments = fs::JoinPath(directory, "segments");
  const std::string wal = fs::JoinPath(directory, "wal");
  TS_TRY_ASSIGN(const bool any, files.Exists(segments));
  if (!any) return {};
  TS_TRY_ASSIGN(const auto entries, files.List(segments));
  const auto whole = std::count_if(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.name.ends_with(".seg");
  });
  if (whole == 0) return {};
  if (auto logs = ListLogs(files, wal); logs.has_value() && HasAllFromTheFirst(*logs, view))
    return {};
  return Error(ErrorCode::kCorruption,
               "catalog " + fs::JoinPath(directory, "catalog") + ": it is empty, but " +
                   std::to_string(whole) + " segments stand in " + segments +
                   ": it was lost; tracestore repair makes it of them");
}

}  // namespace tracestore::store
