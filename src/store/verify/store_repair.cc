// In this order, so that it can be stopped anywhere and run again: new segments are written and
// synced; damaged files are moved aside, where a second run finds them; then one commit makes the
// new ones live.
#include "store/verify/store_repair.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/try.h"
#include "store/catalog/lmdb_catalog.h"
#include "store/engine/batch_codec.h"
#include "store/engine/compaction.h"
#include "store/engine/lost_catalog.h"
#include "store/engine/segment_cache.h"
#include "store/engine/tombstone_file.h"
#include "store/engine/tombstones.h"
#include "store/log/log_reader.h"
#include "store/segment/segment_reader.h"
#include "store/segment/segment_writer.h"
#include "store/verify/segment_salvage.h"
#include "store/verify/segment_verifier.h"
#include "store/verify/store_verifier.h"

namespace tracestore::store {
namespace {

// Rows of one segment that is made of logs: as large as a head by default grows, times 16.
constexpr std::uint32_t kMostRowsInSegment = 1U << 20;

std::uint64_t NowNs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

class Repairer {
 public:
  Repairer(fs::FileSystem& files, const std::string& directory, const RepairOptions& options)
      : files_(files), directory_(directory), options_(options),
        catalog_directory_(fs::JoinPath(directory, "catalog")),
        wal_(fs::JoinPath(directory, "wal")), segments_(fs::JoinPath(directory, "segments")),
        aside_(fs::JoinPath(directory, "damaged")) {
    verify_.cancel = options.cancel;
  }

  Result<RepairReport> Repair() {
    if (options_.write) {
      TS_TRY_ASSIGN(lock_, files_.LockExclusive(fs::JoinPath(directory_, "lock"),
                                                "the store " + directory_));
      TS_TRY(SettleCatalog());
    }
    TS_TRY_ASSIGN(report_.before, VerifyAll());
    if (report_.before.newer_format > 0) {
      return Error(ErrorCode::kUnsupported,
                   directory_ + " has files of a newer format: use a newer tracestore");
    }
    report_.was_sound = report_.before.damage == 0;
    if (report_.was_sound) return std::move(report_);
    TS_TRY(LookAtCatalog());
    TS_TRY(LookAtSegments());
    TS_TRY(LookAtLogs());
    for (const Loss& loss : report_.losses) report_.spans_lost += loss.spans;
    if (!options_.write) return std::move(report_);
    TS_TRY(Write());
    report_.written = true;
    TS_TRY_ASSIGN(report_.after, VerifyAll());
    return std::move(report_);
  }

 private:
  // The archive is left out: it is another store.
  Result<VerifyReport> VerifyAll() {
    VerifyRun run(verify_);
    TS_TRY(VerifyStore(files_, directory_, run));
    return run.Finish();
  }

  // A writer that was killed in its commit may have left a segment live that the catalog doesn't
  // show yet: its number would be given to a new one. A catalog that can't be read is
  // LookAtCatalog's matter.
  Status SettleCatalog() {
    const auto catalog = LmdbCatalog::Open(catalog_directory_);
    if (!catalog.has_value()) return {};
    Status settled = (*catalog)->Settle();
    if (!settled.has_value() && settled.error().code() == ErrorCode::kCorruption) return {};
    return settled;
  }

  void Step(std::string step) { report_.steps.push_back(std::move(step)); }

  Status LookAtCatalog() {
    auto opened = LmdbCatalog::Open(catalog_directory_);
    Result<CatalogView> view = opened.has_value()
                                   ? (*opened)->Read({.straddlers_after = 0, .tombstones_after = 0})
                                   : Result<CatalogView>(opened.error());
    std::string why;
    if (!view.has_value()) {
      why = view.error().message();
    } else if (const auto audit = (*opened)->Audit(); !audit.has_value() || !audit->empty()) {
      why = audit.has_value() ? "its " + audit->front().database + ": " + audit->front().what
                              : audit.error().message();
    } else if (const auto known = CheckNotLost(files_, directory_, *view); !known.has_value()) {
      why = known.error().message();
    }
    if (why.empty()) {
      catalog_ = std::move(*opened);
      view_ = std::move(*view);
      return {};
    }
    catalog_lost_ = true;
    Step("make the catalog anew from the segments");
    TS_TRY(ViewOfFiles());
    TS_TRY_ASSIGN(const TombstoneFile deletes, ReadTombstoneFile(files_, directory_));
    view_.tombstones = deletes.tombstones;
    why += "; settings are gone";
    if (!deletes.exists || deletes.header_damaged || !deletes.damaged.empty()) {
      why += "; what was deleted since the last compaction comes back, but for " +
             std::to_string(deletes.tombstones.size()) +
             " deletes that are kept beside the catalog";
    }
    if (without_origin_ > 0) {
      why += "; of " + std::to_string(without_origin_) +
             " segments the arrival counts from now, and deletes don't reach them";
    }
    report_.losses.push_back({fs::JoinPath(catalog_directory_, "data.mdb"), 0, 0, std::move(why)});
    return {};
  }

  // What a new catalog has to say: all segments, none of them described yet but for their origin.
  Status ViewOfFiles() {
    const auto numbers = ListLogs(files_, wal_);
    view_.retired_before = numbers.has_value() && !numbers->empty() ? numbers->front() : 1;
    std::vector<SegmentId> unplaced;
    std::set<std::string> names;
    for (const std::string& folder : {segments_, aside_}) {
      const auto entries = files_.List(folder);
      for (std::size_t i = 0; entries.has_value() && i < entries->size(); ++i)
        names.insert((*entries)[i].name);
    }
    for (const std::string& name : names) {
      std::uint64_t id = 0;
      if (std::sscanf(name.c_str(), "%16llx.seg",
                      reinterpret_cast<unsigned long long*>(&id)) != 1 ||
          fs::JoinPath(segments_, name) != SegmentPath(directory_, SegmentId{id})) {
        continue;
      }
      SegmentInfo info;
      info.id = SegmentId{id};
      TS_TRY_ASSIGN(const auto origin, ReadOrigin(name));
      if (origin) {
        SetOrigin(*origin, info);
        // The rows of logs below are in the segment.
        view_.retired_before = std::max(view_.retired_before, info.log_end.file_number);
      } else {
        unplaced.push_back(info.id);
      }
      view_.segments.push_back(info);
      view_.next_segment_id.value = std::max(view_.next_segment_id.value, id + 1);
    }
    without_origin_ = unplaced.size();
    for (SegmentInfo& info : view_.segments) {
      if (std::find(unplaced.begin(), unplaced.end(), info.id) == unplaced.end()) continue;
      info.log_begin = info.log_end = {view_.retired_before, 0};
      info.min_arrival_ns = info.max_arrival_ns = NowNs();
    }
    return {};
  }

  Result<std::optional<SegmentOrigin>> ReadOrigin(const std::string& name) {
    const std::string path = fs::JoinPath(segments_, name);
    auto file = files_.OpenForRead(path);
    if (!file.has_value()) file = files_.OpenForRead(fs::JoinPath(aside_, name));
    if (!file.has_value()) return std::optional<SegmentOrigin>();
    return SalvageOrigin(**file, path);
  }

  Status LookAtSegments() {
    for (const SegmentInfo& info : view_.segments) {
      const std::string path = SegmentPath(directory_, info.id);
      const std::string moved = fs::JoinPath(aside_, path.substr(segments_.size() + 1));
      auto file = files_.OpenForRead(path);
      // A run that was stopped had moved it.
      const bool was_moved = !file.has_value();
      if (was_moved) file = files_.OpenForRead(moved);
      if (!file.has_value()) {
        if (!catalog_lost_) {
          removed_.push_back(info.id);
          report_.losses.push_back({path, 0, info.rows, "the file is missing"});
        }
        continue;
      }
      VerifyRun run(verify_);
      TS_TRY_ASSIGN(const auto segment, VerifySegment(std::move(*file), path, run));
      if (run.Finish().damage == 0 && segment != nullptr && !was_moved) {
        TS_TRY(KeepSegment(info, segment));
      } else {
        TS_TRY(SalvageIt(info, was_moved ? moved : path, was_moved));
      }
    }
    return {};
  }

  // A sound one: what the catalog says of it is put right where it is wrong.
  Status KeepSegment(const SegmentInfo& info, const std::shared_ptr<const SegmentReader>& segment) {
    const SegmentMeta& meta = segment->meta();
    SegmentInfo right = info;
    right.file_bytes = segment->file_bytes();
    right.rows = meta.rows;
    right.traces = meta.traces;
    right.min_start_ns = right.min_time_ns = meta.min_start_ns;
    right.max_start_ns = meta.max_start_ns;
    right.max_time_ns = std::max(meta.max_end_ns, meta.max_start_ns);
    sound_.emplace(info.id, segment);
    if (right == info && !catalog_lost_) return {};
    if (!catalog_lost_) removed_.push_back(info.id);
    added_.push_back(right);
    Step("describe " + segment->name() + " in the catalog as it is");
    return {};
  }

  Status SalvageIt(const SegmentInfo& info, const std::string& path, bool was_moved) {
    TS_TRY_ASSIGN(auto file, files_.OpenForRead(path));
    TS_TRY_ASSIGN(Salvage salvage, SalvageSegment(std::move(file), path, info.rows));
    // Only where a catalog knows that it is live: else what was moved aside is done with.
    if (was_moved && catalog_lost_) return {};
    if (!was_moved) to_move_.push_back(path);
    if (!catalog_lost_) removed_.push_back(info.id);
    report_.losses.insert(report_.losses.end(), salvage.losses.begin(), salvage.losses.end());
    const std::uint64_t kept = salvage.rows.size();
    report_.spans_kept += kept;
    Step("put " + std::to_string(kept) + " spans of " + path + " into a new segment");
    if (kept > 0) TS_TRY(AddSegment(std::move(salvage.rows), info));
    return {};
  }

  // A new segment in the place of `source`: of the same log range, arrival and generation.
  Status AddSegment(model::SpanBatch&& rows, const SegmentInfo& source) {
    TS_TRY_ASSIGN(BuiltSegment built, BuildSegment(rows, OriginOf(source)));
    SegmentInfo info = DescribeSegment(built, view_.next_segment_id);
    ++view_.next_segment_id.value;
    SetOrigin(OriginOf(source), info);
    info.partition = source.partition;
    added_.push_back(info);
    made_.emplace(info.id, std::move(built.bytes));
    return {};
  }

  bool LogsAreDamaged() const {
    return std::any_of(report_.before.findings.begin(), report_.before.findings.end(),
                       [&](const Finding& finding) {
                         return finding.kind == FindingKind::kDamage &&
                                finding.file.starts_with(wal_ + "/");
                       });
  }

  // Records keep their places in the log only in the file that they were written to: where one is
  // damaged the rows of all are sealed, as a writer would.
  Status LookAtLogs() {
    next_log_ = view_.retired_before;
    if (!LogsAreDamaged()) return {};
    TS_TRY_ASSIGN(const auto numbers, ListLogs(files_, wal_));
    const TombstoneSet tombstones(view_.tombstones);
    std::uint64_t next = view_.retired_before;
    for (const std::uint64_t number : numbers) {
      if (number < view_.retired_before) continue;
      for (; next < number; ++next) MissLog(next, tombstones);
      next = number + 1;
      TS_TRY(ReadLog(number, tombstones));
    }
    next_log_ = std::max(next, tombstones.highest().file_number + 1);
    SealRows();
    return SealLog();
  }

  void MissLog(std::uint64_t number, const TombstoneSet& tombstones) {
    if (number <= tombstones.highest().file_number) return;  // there may never have been one
    report_.losses.push_back({fs::JoinPath(wal_, LogFileName(number)), 0, 0,
                              "the log is missing; how many spans it had is not known"});
  }

  Status ReadLog(std::uint64_t number, const TombstoneSet& tombstones) {
    TS_TRY_ASSIGN(const auto reader, LogReader::Open(files_, wal_, number));
    LogRecord record;
    std::uint64_t end = kLogFileHeaderBytes;
    bool damaged = false;
    const auto lose = [&](std::uint64_t at, const std::string& what) {
      damaged = true;
      report_.losses.push_back(
          {reader->path(), at, 0, what + "; how many spans they had is not known"});
    };
    while (true) {
      TS_TRY_ASSIGN(const auto step, reader->ReadNext(&record));
      const bool is_record = step == LogReader::Step::kRecord;
      const std::uint64_t at = is_record ? record.begin.offset : reader->position().offset;
      if (at > end) lose(end, std::to_string(at - end) + " bytes are no valid record");
      if (step == LogReader::Step::kIncomplete) {
        TS_TRY_ASSIGN(const bool torn, reader->TailIsTorn());
        if (!torn) lose(at, std::to_string(reader->tail_bytes()) + " bytes are no valid record");
      }
      if (!is_record) break;
      end = record.end.offset;
      const auto batch = DecodeBatch(record.payload);
      if (batch.has_value()) {
        KeepRows(*batch, record.end, tombstones);
      } else {
        lose(record.begin.offset, batch.error().message());
      }
    }
    const bool named = std::any_of(
        report_.before.findings.begin(), report_.before.findings.end(), [&](const Finding& f) {
          return f.kind == FindingKind::kDamage && f.file == reader->path();
        });
    if (damaged || named) to_move_.push_back(reader->path());
    return {};
  }

  void KeepRows(const model::SpanBatch& batch, LogPosition end, const TombstoneSet& tombstones) {
    model::BatchAppender appender(log_rows_);
    appender.SetSource(batch);
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      if (!tombstones.Hides(batch.spans[row].trace_id, end)) appender.Append(row);
    }
    if (log_rows_.size() >= kMostRowsInSegment) SealRows();
  }

  void SealRows() {
    if (log_rows_.empty()) return;
    log_parts_.push_back(std::move(log_rows_));
    log_rows_ = {};
  }

  Status SealLog() {
    SegmentInfo place;
    place.log_begin = {view_.retired_before, 0};
    place.log_end = {next_log_, 0};
    place.min_arrival_ns = place.max_arrival_ns = NowNs();
    for (model::SpanBatch& rows : log_parts_) {
      report_.spans_kept += rows.size();
      Step("put " + std::to_string(rows.size()) + " spans of " + wal_ + " into a new segment");
      TS_TRY(AddSegment(std::move(rows), place));
    }
    log_parts_.clear();
    return {};
  }

  Status Write() {
    for (const auto& [id, bytes] : made_) TS_TRY(WriteSegment(id, bytes));
    TS_TRY(files_.CreateDirectories(aside_));
    for (const std::string& path : to_move_) TS_TRY(MoveAside(path));
    if (catalog_lost_) {
      TS_TRY(StartCatalog());
      TS_TRY(AddTombstonesAgain(*catalog_, view_.tombstones));
    }
    SealCommit commit;
    commit.added = added_;
    commit.removed = removed_;
    commit.retired_before = std::max(view_.retired_before, next_log_);
    commit.next_segment_id = view_.next_segment_id;
    TS_TRY_ASSIGN(commit.straddlers, AllStraddlers());
    if (!catalog_lost_) {
      // Of who deletes meanwhile, the rows of the logs would have to know: kBusy then.
      commit.based_on_segments_version = view_.segments_version;
      commit.based_on_tombstones_version = view_.tombstones_version;
    }
    TS_TRY(catalog_->CommitSeal(commit));
    TS_TRY(RenewTombstoneFile(files_, directory_, *catalog_));
    return RemoveLogsBefore(files_, wal_, *commit.retired_before);
  }

  Status WriteSegment(SegmentId id, const std::string& bytes) {
    const std::string path = SegmentPath(directory_, id);
    const std::string temporary = path + ".tmp";
    for (const std::string& old : {temporary, path}) {  // of a run that was stopped
      TS_TRY_ASSIGN(const bool stands, files_.Exists(old));
      if (stands) TS_TRY(files_.Unlink(old));
    }
    TS_TRY_ASSIGN(auto file, files_.CreateExclusive(temporary));
    TS_TRY(file->Append(bytes));
    TS_TRY(file->Sync());
    TS_TRY(file->Close());
    TS_TRY(files_.Rename(temporary, path));
    return files_.SyncDirectory(segments_);
  }

  // Under a name that is free: an earlier repair may have moved another file of that name.
  Status MoveAside(const std::string& path) {
    const std::string name = path.substr(path.find_last_of('/') + 1);
    std::string to = fs::JoinPath(aside_, name);
    for (int more = 2;; ++more) {
      TS_TRY_ASSIGN(const bool taken, files_.Exists(to));
      if (!taken) break;
      to = fs::JoinPath(aside_, name + "." + std::to_string(more));
    }
    TS_TRY(files_.Rename(path, to));
    Step("moved " + path + " to " + to);
    TS_TRY(files_.SyncDirectory(aside_));
    return files_.SyncDirectory(fs::ParentDirectory(path));
  }

  Status StartCatalog() {
    TS_TRY(files_.CreateDirectories(catalog_directory_));
    const std::string data = fs::JoinPath(catalog_directory_, "data.mdb");
    TS_TRY_ASSIGN(const bool stands, files_.Exists(data));
    if (stands) TS_TRY(MoveAside(data));
    const std::string lock = fs::JoinPath(catalog_directory_, "lock.mdb");
    TS_TRY_ASSIGN(const bool locked, files_.Exists(lock));
    if (locked) TS_TRY(files_.Unlink(lock));
    TS_TRY_ASSIGN(catalog_, LmdbCatalog::Open(catalog_directory_, {.create = true}));
    return {};
  }

  // Of every pair of segments that will be live: also those that the catalog should have had.
  Result<std::vector<Straddler>> AllStraddlers() {
    SnapshotData live;
    for (const auto& [id, segment] : sound_) {
      live.segments.push_back(segment);
      live.places.push_back({id, {}});
    }
    for (const auto& [id, bytes] : made_) {
      const std::string path = SegmentPath(directory_, id);
      TS_TRY_ASSIGN(auto file, files_.OpenForRead(path));
      TS_TRY_ASSIGN(auto segment, SegmentReader::Open(std::move(file), path));
      live.segments.push_back(std::move(segment));
      live.places.push_back({id, {}});
    }
    std::vector<Straddler> all;
    for (std::size_t i = 0; i < live.segments.size(); ++i) {
      TS_TRY_ASSIGN(const TraceTable* table, live.segments[i]->traces());
      std::vector<TraceId> traces;
      for (const TracePart& part : table->parts) traces.push_back(part.id);
      const SegmentId id = live.places[i].id;
      TS_TRY_ASSIGN(const auto pairs, FindStraddlers(traces, id, Without(live, {id})));
      all.insert(all.end(), pairs.begin(), pairs.end());
    }
    return all;
  }

  fs::FileSystem& files_;
  const std::string directory_;
  const RepairOptions options_;
  VerifyOptions verify_;
  const std::string catalog_directory_, wal_, segments_, aside_;
  std::unique_ptr<fs::FileLock> lock_;
  RepairReport report_;
  std::unique_ptr<LmdbCatalog> catalog_;
  bool catalog_lost_ = false;
  std::size_t without_origin_ = 0;  // segments that don't say where they are from
  CatalogView view_;
  std::map<SegmentId, std::shared_ptr<const SegmentReader>> sound_;
  std::map<SegmentId, std::string> made_;  // new segments' bytes
  std::vector<SegmentInfo> added_;
  std::vector<SegmentId> removed_;
  std::vector<std::string> to_move_;
  model::SpanBatch log_rows_;
  std::vector<model::SpanBatch> log_parts_;
  std::uint64_t next_log_ = 1;
};

}  // namespace

Result<RepairReport> RepairStore(fs::FileSystem& files, const std::string& directory,
                                 const RepairOptions& options) {
  return Repairer(files, directory, options).Repair();
}

}  // namespace tracestore::store
