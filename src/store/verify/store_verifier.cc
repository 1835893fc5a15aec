#include "store/verify/store_verifier.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/try.h"
#include "store/catalog/lmdb_catalog.h"
#include "store/engine/lost_catalog.h"
#include "store/engine/segment_cache.h"
#include "store/engine/tombstone_file.h"
#include "store/log/log_format.h"
#include "store/verify/catalog_verifier.h"
#include "store/verify/log_verifier.h"
#include "store/verify/segment_verifier.h"

namespace tracestore::store {
namespace {

std::string NameOf(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// One store. Beside a writer: what the catalog doesn't name any more may go at any moment, and a
// file that it doesn't name yet may come.
class StoreChecker {
 public:
  StoreChecker(fs::FileSystem& files, const std::string& directory, VerifyRun& run)
      : files_(files), directory_(directory), run_(run),
        catalog_directory_(fs::JoinPath(directory, "catalog")),
        catalog_path_(fs::JoinPath(catalog_directory_, "data.mdb")),
        wal_(fs::JoinPath(directory, "wal")), segments_(fs::JoinPath(directory, "segments")) {}

  Status Check() {
    ExpectBytes();
    const bool named = ReadCatalog();
    TS_TRY(named ? CheckLiveSegments() : CheckAllSegments());
    if (named) TS_TRY(VerifyCatalog(view_, open_, catalog_path_, run_));
    if (named) CheckStrayFiles();
    CheckTombstoneFile(named);
    return CheckLogs(named);
  }

 private:
  void ExpectBytes() {
    for (const std::string& folder : {wal_, segments_, catalog_directory_}) {
      const auto entries = files_.List(folder);
      for (std::size_t i = 0; entries.has_value() && i < entries->size(); ++i)
        run_.Expect(files_.FileSize(fs::JoinPath(folder, (*entries)[i].name)).value_or(0));
    }
  }

  bool WriterIsThere() const {
    const auto holder = files_.LockedBy(fs::JoinPath(directory_, "lock"));
    return holder.has_value() && holder->has_value();
  }

  Result<CatalogView> View() {
    CatalogReadOptions all;
    all.straddlers_after = 0;
    all.tombstones_after = 0;
    return catalog_->Read(all);
  }

  // False where it can't be read.
  bool ReadCatalog() {
    ++run_.counters().files;
    auto opened = LmdbCatalog::Open(catalog_directory_);
    if (opened.has_value()) {
      catalog_ = std::move(*opened);
      auto view = View();
      if (view.has_value()) {
        view_ = std::move(*view);
        auto audited = catalog_->Audit();
        if (!audited.has_value()) {
          run_.Say(catalog_path_, 0, "catalog", audited.error());
        } else {
          for (const CatalogFault& fault : *audited)
            run_.Damage(catalog_path_, 0, fault.database, fault.what);
        }
        return true;
      }
      run_.Say(catalog_path_, 0, "catalog", view.error());
      return false;
    }
    run_.Say(catalog_path_, 0, "catalog", opened.error());
    return false;
  }

  // Whether the segment is live still: a compaction may have replaced it meanwhile.
  bool IsLiveNow(SegmentId id) {
    const auto now = catalog_->Read();
    if (!now.has_value()) return true;
    return std::any_of(now->segments.begin(), now->segments.end(),
                       [&](const SegmentInfo& info) { return info.id == id; });
  }

  Status CheckLiveSegments() {
    for (const SegmentInfo& info : view_.segments) {
      const std::string path = SegmentPath(directory_, info.id);
      auto file = files_.OpenForRead(path);
      if (!file.has_value()) {
        if (IsLiveNow(info.id)) run_.Say(path, 0, "file", file.error());
        continue;
      }
      TS_TRY_ASSIGN(auto segment, VerifySegment(std::move(*file), path, run_));
      if (segment != nullptr) open_.emplace(info.id, std::move(segment));
    }
    return {};
  }

  // Without a catalog nobody knows which are live.
  Status CheckAllSegments() {
    const auto entries = files_.List(segments_);
    if (!entries.has_value()) return {};
    for (const fs::DirectoryEntry& entry : *entries) {
      if (!entry.name.ends_with(".seg")) continue;
      const std::string path = fs::JoinPath(segments_, entry.name);
      auto file = files_.OpenForRead(path);
      if (!file.has_value()) continue;
      TS_TRY(VerifySegment(std::move(*file), path, run_));
    }
    return {};
  }

  void CheckStrayFiles() {
    if (WriterIsThere()) return;
    if (auto known = CheckNotLost(files_, directory_, view_); !known.has_value()) {
      run_.Say(catalog_path_, 0, "segments", known.error());
      return;
    }
    const auto entries = files_.List(segments_);
    const auto now = catalog_->Read();
    if (!entries.has_value() || !now.has_value()) return;
    std::set<std::string> live;
    for (const SegmentInfo& info : now->segments) live.insert(NameOf(SegmentPath("", info.id)));
    for (const fs::DirectoryEntry& entry : *entries) {
      if (live.contains(entry.name)) continue;
      run_.LeftOver(fs::JoinPath(segments_, entry.name), 0, "file",
                    "the catalog doesn't name it; the next writer removes it");
    }
  }

  void CheckTombstoneFile(bool named) {
    const std::string path = TombstonePath(directory_);
    const auto file = ReadTombstoneFile(files_, directory_);
    if (!file.has_value()) {
      run_.Say(path, 0, "file", file.error());
      return;
    }
    if (!file->exists) return;
    ++run_.counters().files;
    if (file->header_damaged) run_.Damage(path, 0, "header", "magic or checksum mismatch");
    for (const std::uint64_t at : file->damaged)
      run_.Damage(path, at, "record", "checksum mismatch");
    if (WriterIsThere() || !file->damaged.empty()) return;
    if (file->torn_bytes > 0)
      run_.LeftOver(path, 0, "record", "it ends within a record; the next writer mends it");
    std::set<std::uint64_t> kept;
    for (const Tombstone& tombstone : file->tombstones) kept.insert(tombstone.sequence);
    for (const Tombstone& tombstone : view_.tombstones) {
      if (!named || kept.contains(tombstone.sequence)) continue;
      run_.Damage(path, 0, "record", "it lacks a delete that the catalog has");
      return;
    }
  }

  Status CheckLogs(bool named) {
    const bool writing = WriterIsThere();
    const auto numbers = ListLogs(files_, wal_);
    if (!numbers.has_value()) {
      // A store that nothing was written to has no logs.
      if (numbers.error().code() != ErrorCode::kNotFound)
        run_.Say(wal_, 0, "file", numbers.error());
      return {};
    }
    const std::uint64_t needed = named ? view_.retired_before : 0;
    std::uint64_t next = needed;
    for (const std::uint64_t number : *numbers) {
      const std::string path = fs::JoinPath(wal_, LogFileName(number));
      if (number < needed) {
        if (!writing) run_.LeftOver(path, 0, "file", "it is retired; the next writer removes it");
        continue;
      }
      if (named) CheckNoGap(next, number);
      next = number + 1;
      if (IsRetiredNow(number)) continue;
      TS_TRY(VerifyLog(files_, wal_, number, writing && number == numbers->back(), run_));
    }
    return {};
  }

  // Logs [expected, found) don't stand. A writer leaves a number out only for a tombstone that was
  // read at it.
  void CheckNoGap(std::uint64_t expected, std::uint64_t found) {
    std::uint64_t excused = 0;
    for (const Tombstone& tombstone : view_.tombstones)
      excused = std::max(excused, tombstone.position.file_number);
    if (std::max(expected, excused + 1) >= found || IsRetiredNow(expected)) return;
    run_.Damage(fs::JoinPath(wal_, LogFileName(expected)), 0, "file", "the log is missing");
  }

  bool IsRetiredNow(std::uint64_t number) {
    if (catalog_ == nullptr) return false;
    const auto now = catalog_->Read();
    return now.has_value() && number < now->retired_before;
  }

  fs::FileSystem& files_;
  const std::string directory_;
  VerifyRun& run_;
  const std::string catalog_directory_, catalog_path_, wal_, segments_;
  std::unique_ptr<LmdbCatalog> catalog_;
  CatalogView view_;
  std::map<SegmentId, std::shared_ptr<const SegmentReader>> open_;
};

// A file alone: its first bytes, or else its name, say what it is.
Status VerifyFile(fs::FileSystem& files, const std::string& path, VerifyRun& run) {
  TS_TRY_ASSIGN(auto file, files.OpenForRead(path));
  std::string head(kSegmentMagic.size(), '\0');
  TS_TRY_ASSIGN(const std::size_t got, file->ReadAt(0, head.data(), head.size()));
  const auto number = ParseLogFileName(NameOf(path));
  if (number) return VerifyLog(files, fs::ParentDirectory(path), *number, false, run);
  if ((got == head.size() && head == kSegmentMagic) || path.ends_with(".seg")) {
    TS_TRY(VerifySegment(std::move(file), path, run));
    return {};
  }
  return Error(ErrorCode::kInvalidArgument, path + " is neither a segment nor a log of a store");
}

}  // namespace

Status VerifyStore(fs::FileSystem& files, const std::string& path, VerifyRun& run) {
  TS_TRY_ASSIGN(const bool there, files.Exists(path));
  if (!there) return Error(ErrorCode::kNotFound, "there is nothing at " + path);
  bool any = false;
  for (const char* part : {"catalog", "segments", "wal"}) {
    TS_TRY_ASSIGN(const bool stands, files.Exists(fs::JoinPath(path, part)));
    any = any || stands;
  }
  if (!any) return Error(ErrorCode::kInvalidArgument, path + " is no store");
  return StoreChecker(files, path, run).Check();
}

Status VerifyPath(fs::FileSystem& files, const std::string& path, VerifyRun& run) {
  TS_TRY_ASSIGN(const bool there, files.Exists(path));
  if (there && !files.List(path).has_value()) return VerifyFile(files, path, run);
  TS_TRY(VerifyStore(files, path, run));
  const std::string archive = fs::JoinPath(path, "archive");
  TS_TRY_ASSIGN(const bool archived, files.Exists(fs::JoinPath(archive, "catalog")));
  return archived ? StoreChecker(files, archive, run).Check() : Status();
}

}  // namespace tracestore::store
