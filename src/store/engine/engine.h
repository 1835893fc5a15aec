// Engine: a store's directory at work: log, head, sealing, snapshots (docs/format/directory.md).
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <tracestore/status.h>
#include <tracestore/store.h>

#include "fs/file_system.h"
#include "model/span_batch.h"
#include "store/catalog/catalog.h"
#include "store/engine/engine_log.h"
#include "store/engine/compaction_plan.h"
#include "store/engine/head.h"
#include "store/engine/log_follower.h"
#include "store/engine/segment_cache.h"
#include "store/engine/snapshot.h"
#include "store/log/log_writer.h"
#include "store/segment/segment_writer.h"

namespace tracestore::store {

class SegmentMerge;

// Threads: every public method may be called from any thread. Threads of its own: "seal" makes
// segments of frozen heads, "compact" merges segments and drops old ones (StoreOptions).
// Locks, in this order: compact_mutex_, seal_mutex_, commit_mutex_, append_mutex_, then
// queue_mutex_ or state_mutex_.
class Engine {
 public:
  // `files` must outlive the engine, `catalog` is the directory's. Errors as Store::Open.
  static Result<std::unique_ptr<Engine>> Open(fs::FileSystem& files, std::string directory,
                                              std::unique_ptr<Catalog> catalog,
                                              const StoreOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Keeps the spans: in the log when it returns, in every later snapshot.
  Status Append(model::SpanBatch&& batch);
  Result<std::shared_ptr<const SnapshotData>> TakeSnapshot();

  // Hides the rows that stand now, for every process, for good (docs/format/catalog.md). Also where
  // the store is open for reading. Rows appended after it returned stay. In transactions of 65,536:
  // on an error some may have been done. Errors: kIo, kCorruption.
  Status Delete(const std::vector<NewTombstone>& tombstones);

  Status Sync();
  Status Seal();
  // As Store::Compact.
  Result<CompactResult> Compact(const CompactOptions& options);
  Status Close();

  // This process is a child, forked since: every call fails, and it must not be destroyed.
  bool opened_before_fork() const noexcept;

  const StoreOptions& options() const noexcept { return options_; }
  const std::string& directory() const noexcept { return directory_; }

 private:
  // An append that waits for its turn, or for another to write its record with its own.
  struct PendingAppend {
    PreparedLogRecord record;
    model::SpanBatch batch;
    std::optional<Status> outcome;  // guarded by append_mutex_
  };
  struct Frozen {
    std::shared_ptr<Head> head;
    std::uint64_t log_bytes = 0;
    std::uint64_t next_log = 0;  // the first log that holds none of it
    bool committed = false;      // it is in a live segment that couldn't be opened yet
  };

  Engine(fs::FileSystem& files, std::string directory, std::unique_ptr<Catalog> catalog,
         const StoreOptions& options);
  Status StartWriting();
  Status Recover();
  Status CheckOpen() const;
  Status AppendQueued(PendingAppend& pending);
  void AppendGroup();
  Status WriteGroup(const std::vector<PendingAppend*>& group);
  std::vector<PendingAppend*> TakeGroup();
  Status WaitForRoom();
  void Freeze();
  bool HeadIsFull() const;
  void RemoveStrayFiles(const CatalogView& view);
  Status SealNext();
  Status SealHead(const Frozen& frozen);
  Result<bool> CommitSegment(const BuiltSegment& built, SegmentId id, const SegmentOrigin& origin,
                             Head& left);
  SegmentId ReserveSegmentId(const CatalogView& view);
  Status WriteSegmentFile(SegmentId id, const std::string& bytes);
  void DropUncommitted(SegmentId id);
  Status Publish();
  Status PublishIfStale();
  Result<std::uint64_t> CommitSegments(const SealCommit& commit);
  std::uint64_t Now() const;

  // What one run of a compaction works with.
  struct CompactionRun {
    CompactionLimits limits;
    RetentionLimits retention;
    std::function<bool(const CompactionProgress&)> stop;  // asked between pages
    CompactResult result{};
  };
  CompactionRun PrepareRun(const CompactOptions& options) const;
  Status RunCompaction(CompactionRun& run);
  Status DropOldSegments(CompactionRun& run);
  Result<std::optional<CompactionJob>> NextJob(const CompactionRun& run);
  Status MergeOnce(const CompactionJob& planned, CompactionRun& run);
  std::shared_ptr<const SegmentReader> OpenApart(
      SegmentId id, std::shared_ptr<const SegmentReader> shared) const;
  Result<std::size_t> AddSources(const std::vector<SegmentId>& segments, const SnapshotData& live,
                                 SegmentMerge& merge, CompactionRun& run);
  Result<bool> CommitMerge(const SegmentInfo& made, const std::vector<TraceId>& traces,
                           const CompactionJob& job, std::uint64_t last_tombstone);
  void CompactLoop(const std::stop_token& stop);
  Status HideDeleted();
  void RenewTombstones();
  void UseTombstones(const std::shared_ptr<const TombstoneSet>& tombstones);
  void UseSegments(const CatalogView& view, SnapshotData&& live);
  void RemoveSegmentFiles(const std::vector<SegmentId>& ids);
  void SealLoop(const std::stop_token& stop);
  void SyncLoop(const std::stop_token& stop);
  Result<std::shared_ptr<const SnapshotData>> SnapshotAsWriter();
  Result<std::shared_ptr<const SnapshotData>> SnapshotAsReader();
  void Log(LogLevel level, const std::string& text) const;
  void Metric(std::string_view name, double value) const;
  bool writing() const noexcept { return options_.mode == OpenMode::kWrite; }

  fs::FileSystem& files_;
  const std::string directory_;
  const std::unique_ptr<Catalog> catalog_;
  const StoreOptions options_;
  const std::int64_t pid_;  // of the process that opened it
  std::unique_ptr<fs::FileLock> lock_;
  SegmentCache segments_;

  std::mutex append_mutex_;  // held while a group is appended, or the head is frozen
  EngineLog log_;            // its Sync needs no lock

  std::mutex queue_mutex_;   // guards queue_
  std::deque<PendingAppend*> queue_;

  std::mutex seal_mutex_;    // held while one head is sealed

  std::mutex compact_mutex_;  // held while one compaction runs; guards these two
  std::set<SegmentId> left_alone_;  // what a merge could not read, until the store is reopened
  std::map<SegmentId, std::uint64_t> merge_memory_;  // PlannedSegment::memory, where it is known
  std::atomic<bool> closing_{false};

  // Held from the look-ups of a commit until the published segments show it, so that no snapshot
  // has rows twice or not at all.
  std::mutex commit_mutex_;

  mutable std::mutex state_mutex_;  // guards what follows
  std::shared_ptr<Head> head_;
  std::uint64_t head_log_bytes_ = 0;  // of the records that came into head_
  std::deque<Frozen> frozen_;
  std::uint64_t frozen_bytes_ = 0;
  SnapshotData published_;          // segments and straddlers as of the version
  std::uint64_t published_as_of_ = 0;  // of the catalog's segments
  // Of all that snapshots leave out; from the catalog as of the version.
  std::shared_ptr<const TombstoneSet> tombstones_ = std::make_shared<TombstoneSet>();
  std::uint64_t tombstones_as_of_ = 0;
  std::optional<Error> seal_error_; // of the last try; none when it went well
  bool closed_ = false;
  std::condition_variable_any frozen_changed_;
  SegmentId last_reserved_{};       // of this process; the catalog knows those that were live
  bool compaction_due_ = true;      // something was sealed since the last look
  std::condition_variable_any compaction_wanted_;

  std::mutex reader_mutex_;  // guards follower_
  LogFollower follower_;

  std::jthread seal_thread_;
  std::jthread compact_thread_;
  std::jthread sync_thread_;
};

}  // namespace tracestore::store
