#include "store/engine/lost_catalog.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "base/try.h"
#include "store/engine/tombstone_file.h"
#include "store/log/log_format.h"

namespace tracestore::store {
namespace {

// Logs are unlinked in their order, the lowest first. A writer leaves numbers out only for
// tombstones that were read at them.
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

Status AddTombstonesAgain(Catalog& catalog, const std::vector<Tombstone>& tombstones) {
  std::map<LogPosition, std::vector<NewTombstone>> at;
  for (const Tombstone& tombstone : tombstones)
    at[tombstone.position].push_back({tombstone.kind, tombstone.trace_id});
  for (const auto& [position, made] : at) {
    TS_TRY(catalog.AddTombstones(made, [&]() -> Result<LogPosition> { return position; }));
  }
  return {};
}

Result<bool> RestoreTombstones(fs::FileSystem& files, const std::string& directory,
                               Catalog& catalog, const CatalogView& view) {
  if (view.segments_version != 0) return false;
  TS_TRY_ASSIGN(const TombstoneFile file, ReadTombstoneFile(files, directory));
  const auto key = [](const Tombstone& one) {
    return std::tuple(one.position, one.kind, one.trace_id);
  };
  std::set<std::tuple<LogPosition, TombstoneKind, TraceId>> in_catalog;
  for (const Tombstone& tombstone : view.tombstones) in_catalog.insert(key(tombstone));
  std::vector<Tombstone> missing;
  for (const Tombstone& tombstone : file.tombstones) {
    const bool known = in_catalog.contains(key(tombstone));
    // What lies in logs that are retired is gone.
    const bool hides = tombstone.position > LogPosition{view.retired_before, 0};
    if (!known && hides) missing.push_back(tombstone);
  }
  TS_TRY(AddTombstonesAgain(catalog, missing));
  return !missing.empty();
}

}  // namespace tracestore::store
