#include "store/engine/engine.h"

#include <unistd.h>

#include <algorithm>

#include "base/thread.h"
#include "base/try.h"
#include "store/engine/compaction.h"
#include "store/engine/deletes.h"
#include "store/engine/lost_catalog.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

std::string WalDirectory(const std::string& directory) { return fs::JoinPath(directory, "wal"); }

std::string SegmentsDirectory(const std::string& directory) {
  return fs::JoinPath(directory, "segments");
}

Status CheckOptions(const StoreOptions& o) {
  using namespace std::chrono_literals;
  const auto bad = [](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument, "store options: " + what);
  };
  if (o.sync_interval < 10ms || o.sync_interval > 1h)
    return bad("sync_interval must be from 10 ms to 1 h");
  if (o.head_max_spans < 1'000 || o.head_max_spans > 4'000'000)
    return bad("head_max_spans must be from 1,000 to 4,000,000");
  if (o.head_max_bytes < (1ULL << 20) || o.head_max_bytes > (4ULL << 30))
    return bad("head_max_bytes must be from 1 MiB to 4 GiB");
  if (o.head_max_age < 1s || o.head_max_age > 30 * 24h)
    return bad("head_max_age must be from 1 s to 30 days");
  if (o.backlog_max_bytes < (1ULL << 20) || o.backlog_max_bytes > (64ULL << 30))
    return bad("backlog_max_bytes must be from 1 MiB to 64 GiB");
  if (o.append_timeout < 0ms || o.append_timeout > 24h)
    return bad("append_timeout must be from 0 to 24 h");
  if (o.compaction_duty_percent < 1 || o.compaction_duty_percent > 100)
    return bad("compaction_duty_percent must be from 1 to 100");
  if (o.compaction_max_spans < 10'000 || o.compaction_max_spans > 4'000'000)
    return bad("compaction_max_spans must be from 10,000 to 4,000,000");
  if (o.partition_width < 60s || o.partition_width > 366 * 24h)
    return bad("partition_width must be from 60 s to 366 days");
  if (o.query_memory_bytes > (1ULL << 40)) return bad("query_memory_bytes must be at most 1 TiB");
  if (o.retention_age != 0s && (o.retention_age < 60s || o.retention_age > 36'500 * 24h))
    return bad("retention_age must be 0 or from 60 s to 100 years");
  return {};
}

Error OpenedBeforeFork() {
  return Error(ErrorCode::kInvalidArgument,
               "this store was opened before fork(); open it again in the child process");
}

}  // namespace

Engine::Engine(fs::FileSystem& files, std::string directory, std::unique_ptr<Catalog> catalog,
               const StoreOptions& options)
    : files_(files), directory_(std::move(directory)), catalog_(std::move(catalog)),
      options_(options), pid_(getpid()),
      segments_(files, directory_, std::make_shared<QueryMemory>(options_.query_memory_bytes)),
      log_(files, WalDirectory(directory_), options.sync), head_(std::make_shared<Head>()),
      follower_(files, WalDirectory(directory_)) {}

Result<std::unique_ptr<Engine>> Engine::Open(fs::FileSystem& files, std::string directory,
                                             std::unique_ptr<Catalog> catalog,
                                             const StoreOptions& options) {
  TS_TRY(CheckOptions(options));
  std::unique_ptr<Engine> engine(
      new Engine(files, std::move(directory), std::move(catalog), options));
  if (engine->writing()) {
    TS_TRY(engine->StartWriting());
  } else {
    TS_TRY(engine->TakeSnapshot());
  }
  return engine;
}

bool Engine::opened_before_fork() const noexcept { return getpid() != pid_; }

Engine::~Engine() {
  if (auto closed = Close(); !closed.has_value()) Log(LogLevel::kError, closed.error().message());
}

void Engine::Log(LogLevel level, const std::string& text) const {
  if (options_.log) options_.log(level, text);
}
void Engine::Metric(std::string_view name, double value) const {
  if (options_.metric) options_.metric(name, value);
}

Status Engine::StartWriting() {
  TS_TRY(files_.CreateDirectories(WalDirectory(directory_)));
  TS_TRY(files_.CreateDirectories(SegmentsDirectory(directory_)));
  TS_TRY_ASSIGN(lock_, files_.LockExclusive(fs::JoinPath(directory_, "lock"),
                                            "the store " + directory_));
  TS_TRY(Recover());
  if (options_.background_sealing)
    seal_thread_ = base::StartThread([this](const std::stop_token& stop) { SealLoop(stop); });
  if (options_.background_sealing && options_.background_compaction)
    compact_thread_ = base::StartThread([this](const std::stop_token& stop) { CompactLoop(stop); });
  if (options_.sync == SyncPolicy::kInterval)
    sync_thread_ = base::StartThread([this](const std::stop_token& stop) { SyncLoop(stop); });
  return {};
}

// Reads what no segment holds yet out of the log, and removes what a crash left behind.
Status Engine::Recover() {
  CatalogView view;
  SnapshotData live;
  TS_TRY(catalog_->Settle());
  TS_TRY(segments_.Refresh(*catalog_, view, live));
  // Before anything is put into a catalog that may be the new one of a lost one.
  TS_TRY(CheckNotLost(files_, directory_, view));
  TS_TRY_ASSIGN(const bool restored, RestoreTombstones(files_, directory_, *catalog_, view));
  if (restored) {
    live = {};
    TS_TRY(segments_.Refresh(*catalog_, view, live));
  }
  UseSegments(view, std::move(live));
  follower_.Hide(tombstones_);
  RenewTombstones();
  TS_TRY(RemoveLogsBefore(files_, WalDirectory(directory_), view.retired_before));
  RemoveStrayFiles(view);
  TS_TRY(follower_.Refresh(view.retired_before));
  for (const auto& [number, log] : follower_.logs()) head_->AdoptAll(*log.head);
  // Not one that tombstones think behind them: a power cut may have taken the log they were read
  // at.
  log_.StartAt(std::max({follower_.last_log() + 1, view.retired_before,
                         tombstones_->highest().file_number + 1}));
  head_log_bytes_ = follower_.log_bytes();
  if (const std::uint64_t places = follower_.damaged_places(); places > 0) {
    Log(LogLevel::kWarning, "the log of " + directory_ + " had " + std::to_string(places) +
                                " torn or damaged places, which were passed over");
  }
  Metric("recovered_spans", static_cast<double>(head_->spans()));
  if (HeadIsFull()) Freeze();
  return {};
}

void Engine::RemoveStrayFiles(const CatalogView& view) {
  const std::string directory = SegmentsDirectory(directory_);
  const auto entries = files_.List(directory);
  if (!entries.has_value()) return;
  for (const fs::DirectoryEntry& entry : *entries) {
    const std::string path = fs::JoinPath(directory, entry.name);
    const bool live = std::any_of(view.segments.begin(), view.segments.end(), [&](const auto& s) {
      return SegmentPath(directory_, s.id) == path;
    });
    if (!live && IsSegmentFileName(entry.name) && !entry.is_directory &&
        !files_.Unlink(path).has_value())
      Log(LogLevel::kWarning, "a segment file left by a crash could not be removed: " + path);
  }
}

// Locks may have been held by threads that the child of a fork doesn't have: looked at first.
Status Engine::CheckOpen() const {
  if (opened_before_fork()) return OpenedBeforeFork();
  const std::lock_guard lock(state_mutex_);
  if (closed_) return Error(ErrorCode::kInvalidArgument, "the store is closed");
  return {};
}

void Engine::SealLoop(const std::stop_token& stop) {
  using namespace std::chrono_literals;
  while (!stop.stop_requested()) {
    bool old = false;
    {
      std::unique_lock lock(state_mutex_);
      frozen_changed_.wait_for(lock, stop, 1s, [&] { return !frozen_.empty(); });
      old = head_->holds_records() &&
            std::chrono::steady_clock::now() - head_->since() >= options_.head_max_age;
    }
    if (old) {
      const std::lock_guard lock(append_mutex_);
      Freeze();
    }
    if (stop.stop_requested()) return;
    if (auto sealed = SealNext(); !sealed.has_value()) {
      Log(LogLevel::kError, "a segment could not be sealed: " + sealed.error().message());
      std::unique_lock lock(state_mutex_);
      frozen_changed_.wait_for(lock, stop, 1s, [] { return false; });
    }
  }
}

Status Engine::SealNext() {
  const std::lock_guard seal(seal_mutex_);
  while (true) {
    Frozen next;
    {
      const std::lock_guard lock(state_mutex_);
      if (frozen_.empty()) return {};
      next = frozen_.front();
    }
    auto sealed = next.committed ? Status() : SealHead(next);
    if (sealed.has_value()) {
      const std::lock_guard commit(commit_mutex_);
      sealed = Publish();
    }
    const std::lock_guard lock(state_mutex_);
    compaction_due_ = true;
    compaction_wanted_.notify_all();
    seal_error_.reset();
    if (sealed.has_value()) continue;
    seal_error_ = sealed.error();
    return sealed;
  }
}

// Of this process alone: a file that was begun for another commit keeps its name to itself.
SegmentId Engine::ReserveSegmentId(const CatalogView& view) {
  const std::lock_guard lock(state_mutex_);
  last_reserved_.value = std::max(last_reserved_.value + 1, view.next_segment_id.value);
  return last_reserved_;
}

// Leaves nothing behind when it fails.
Status Engine::WriteSegmentFile(SegmentId id, const std::string& bytes) {
  const std::string path = SegmentPath(directory_, id);
  const std::string temporary = path + ".tmp";
  const auto write = [&]() -> Status {
    TS_TRY_ASSIGN(auto file, files_.CreateExclusive(temporary));
    TS_TRY(file->Append(bytes));
    TS_TRY(file->Sync());
    TS_TRY(file->Close());
    TS_TRY(files_.Rename(temporary, path));
    return files_.SyncDirectory(SegmentsDirectory(directory_));
  };
  Status written = write();
  if (!written.has_value()) {
    (void)files_.Unlink(temporary);
    (void)files_.Unlink(path);
  }
  return written;
}

std::uint64_t Engine::Now() const {
  if (options_.clock) return options_.clock();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

Status Engine::SealHead(const Frozen& frozen) {
  Head left = *frozen.head;  // without what is deleted
  BuiltSegment built;
  SegmentOrigin origin;
  bool committed = false;
  while (!committed) {
    CatalogView view;
    SnapshotData live;
    TS_TRY(segments_.Refresh(*catalog_, view, live));
    if (live.tombstones != nullptr) left.Hide(live.tombstones);
    built = {};
    const SegmentId id = ReserveSegmentId(view);
    // No other commit moves retired_before on: only a head's, of which one is sealed at a time.
    origin.log_begin = {view.retired_before, 0};
    origin.log_end = {frozen.next_log, 0};
    origin.min_arrival_ns = origin.max_arrival_ns = Now();
    if (!left.empty()) {
      TS_TRY_ASSIGN(built, BuildSegment(Concatenate(left.batches()), origin));
      TS_TRY(WriteSegmentFile(id, built.bytes));
    }
    auto tried = CommitSegment(built, id, origin, left);
    if (!tried.has_value() || !*tried) DropUncommitted(id);
    TS_TRY_ASSIGN(committed, std::move(tried));
  }
  Metric("sealed_spans", static_cast<double>(built.meta.rows));
  Metric("sealed_bytes", static_cast<double>(built.bytes.size()));
  // The logs are retired in the catalog: a failure to remove them is mended at the next open.
  if (auto removed = RemoveLogsBefore(files_, WalDirectory(directory_), frozen.next_log);
      !removed.has_value()) {
    Log(LogLevel::kWarning, "a retired log could not be removed: " + removed.error().message());
  }
  return {};
}

// Makes the segment live and retires its log. `built` has no rows where `left`, of which it is
// made, has none. Gives false where more of `left` was deleted meanwhile: the segment must be made
// again.
Result<bool> Engine::CommitSegment(const BuiltSegment& built, SegmentId id,
                                   const SegmentOrigin& origin, Head& left) {
  const std::uint64_t next_log = origin.log_end.file_number;
  SegmentInfo info = DescribeSegment(built, id);
  SetOrigin(origin, info);
  info.partition = PartitionOf(info, PartitionNs(options_));
  const std::lock_guard commit_lock(commit_mutex_);
  while (true) {
    CatalogView view;
    SnapshotData live;
    TS_TRY(segments_.Refresh(*catalog_, view, live));
    if (live.tombstones != nullptr) left.Hide(live.tombstones);
    if (left.spans() != built.meta.rows) return false;
    SealCommit commit;
    if (built.meta.rows > 0) commit.added = {info};
    commit.removed = WhollyHidden(view, live);
    TS_TRY_ASSIGN(commit.removed_tombstones,
                  FinishedTombstones(view, live, commit.removed, next_log));
    TS_TRY_ASSIGN(commit.straddlers, FindStraddlers(built.trace_ids, id, live));
    commit.retired_before = next_log;
    commit.based_on_segments_version = view.segments_version;
    commit.based_on_tombstones_version = view.tombstones_version;
    const auto committed = CommitSegments(commit);
    if (committed.has_value()) {
      RemoveSegmentFiles(commit.removed);
      const std::lock_guard lock(state_mutex_);
      frozen_.front().committed = true;
      return true;
    }
    if (committed.error().code() != ErrorCode::kBusy) return committed.error();
  }
}

// The caller holds commit_mutex_. The commit may take tombstones away that no snapshot here has
// seen yet; they are taken up first, for the segments and heads in use may outlive it where the new
// segment can't be opened.
Result<std::uint64_t> Engine::CommitSegments(const SealCommit& commit) {
  {
    const std::lock_guard lock(state_mutex_);
    TS_TRY(HideDeleted());
  }
  auto committed = catalog_->CommitSeal(commit);
  if (committed.has_value() && !commit.removed_tombstones.empty()) RenewTombstones();
  return committed;
}

// Mends a Publish() that failed.
Status Engine::PublishIfStale() {
  const std::lock_guard commit(commit_mutex_);
  TS_TRY_ASSIGN(const CatalogView view, catalog_->Read());
  {
    const std::lock_guard lock(state_mutex_);
    if (published_as_of_ == view.segments_version) return {};
  }
  return Publish();
}

// The caller holds commit_mutex_.
Status Engine::Publish() {
  CatalogView view;
  SnapshotData live;
  auto refreshed = segments_.Refresh(*catalog_, view, live);
  const std::lock_guard lock(state_mutex_);
  // If the new segment can't be opened now, its rows stay readable from the frozen head and the
  // next try only opens it.
  if (refreshed.has_value()) {
    UseSegments(view, std::move(live));
    while (!frozen_.empty() && frozen_.front().committed) {
      frozen_bytes_ -= frozen_.front().head->memory_bytes();
      frozen_.pop_front();
    }
  }
  frozen_changed_.notify_all();
  return refreshed;
}

Result<std::shared_ptr<const SnapshotData>> Engine::TakeSnapshot() {
  TS_TRY(CheckOpen());
  return writing() ? SnapshotAsWriter() : SnapshotAsReader();
}

Result<std::shared_ptr<const SnapshotData>> Engine::SnapshotAsWriter() {
  const std::lock_guard lock(state_mutex_);
  TS_TRY(HideDeleted());
  auto data = std::make_shared<SnapshotData>(published_);
  const auto add = [&](const Head& head) {
    data->head.insert(data->head.end(), head.batches().begin(), head.batches().end());
  };
  for (const Frozen& frozen : frozen_) {
    add(*frozen.head);
    data->log_bytes += frozen.log_bytes;
  }
  add(*head_);
  data->log_bytes += head_log_bytes_;
  return std::shared_ptr<const SnapshotData>(std::move(data));
}

Result<std::shared_ptr<const SnapshotData>> Engine::SnapshotAsReader() {
  const std::lock_guard lock(reader_mutex_);
  while (true) {
    auto data = std::make_shared<SnapshotData>();
    CatalogView view;
    auto status = segments_.Refresh(*catalog_, view, *data);
    if (status.has_value()) {
      follower_.Hide(data->tombstones != nullptr ? data->tombstones
                                                 : std::make_shared<const TombstoneSet>());
      status = follower_.Refresh(view.retired_before);
    }
    // The catalog itself could not be read: not for a commit in between, and not for another try.
    if (!status.has_value() && view.version == 0) return std::move(status).error();
    TS_TRY_ASSIGN(const bool current, catalog_->IsCurrent(view.version));
    // A seal in between may have retired a log before it was read, or a file: look again.
    if (!current) continue;
    if (!status.has_value()) return std::move(status).error();
    data->head = follower_.batches();
    data->log_bytes = follower_.log_bytes();
    return std::shared_ptr<const SnapshotData>(std::move(data));
  }
}

Status Engine::Seal() {
  TS_TRY(CheckOpen());
  if (!writing())
    return Error(ErrorCode::kInvalidArgument, "the store was opened for reading only");
  {
    const std::lock_guard lock(append_mutex_);
    Freeze();
  }
  return SealNext();
}

Status Engine::Close() {
  if (opened_before_fork()) return OpenedBeforeFork();
  {
    const std::lock_guard lock(state_mutex_);
    if (closed_) return {};
  }
  closing_ = true;
  compact_thread_ = {};
  // one that was asked for stops at its next page
  const std::lock_guard compaction(compact_mutex_);
  sync_thread_ = {};
  seal_thread_ = {};
  Status sealed;
  if (lock_ != nullptr) {
    {
      const std::lock_guard lock(append_mutex_);
      Freeze();
    }
    sealed = SealNext();
    if (!sealed.has_value()) (void)log_.Sync();  // what is left stays in the log alone
  }
  const std::lock_guard append(append_mutex_);
  const std::lock_guard lock(state_mutex_);
  closed_ = true;
  frozen_changed_.notify_all();
  lock_.reset();
  return sealed;
}

}  // namespace tracestore::store
