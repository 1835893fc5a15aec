// Compaction and retention: one at a time, beside seals, deletes and readers.
//
// A merge reads its sources without a lock, leaves out what the tombstones of that moment hide, and
// writes a file that nothing names yet. The commit looks again: where a source is live no more, the
// file goes and the next plan decides anew. A tombstone that came meanwhile lies at or behind the
// end of every live segment's log range, for it is at least {retired_before, 0}; so it hides the
// rows of the merged segment, whose range ends where that of its last source does, as it hid those
// of the sources, and must stay.
#include "store/engine/compaction.h"

#include <sys/resource.h>

#include <algorithm>
#include <unordered_set>

#include "base/id_hash.h"
#include "base/try.h"
#include "store/engine/deletes.h"
#include "store/engine/engine.h"
#include "store/engine/hidden_parts.h"
#include "store/engine/segment_merge.h"

namespace tracestore::store {
namespace {

using std::chrono::steady_clock;

// The niceness of the thread: others of this machine go first.
constexpr int kNiceness = 10;
// How often retention is looked at when nothing is sealed, and merges are made though heads await
// sealing all the time; and how soon after a failure.
constexpr std::chrono::seconds kLookEvery{60};
constexpr std::chrono::seconds kAfterFailure{30};

bool Has(const std::vector<SegmentId>& ids, SegmentId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::optional<std::size_t> PlaceOf(const SnapshotData& live, SegmentId id) {
  const auto at = std::find_if(live.places.begin(), live.places.end(),
                               [id](const SegmentPlace& place) { return place.id == id; });
  if (at == live.places.end()) return std::nullopt;
  return static_cast<std::size_t>(at - live.places.begin());
}

std::vector<SegmentInfo> InfosOf(const CatalogView& view, const std::vector<SegmentId>& ids) {
  std::vector<SegmentInfo> infos;
  for (const SegmentInfo& info : view.segments) {
    if (Has(ids, info.id)) infos.push_back(info);
  }
  return infos;
}

std::uint64_t SecondsToNs(std::chrono::seconds seconds) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(seconds).count());
}

// Of `finished`, those that a segment made of these traces needs: they hide some of its rows.
void KeepThoseThatHide(const SegmentInfo& made, const std::vector<TraceId>& traces,
                       const TombstoneSet& tombstones, std::vector<std::uint64_t>& finished) {
  if (!tombstones.MayHide(made.log_end)) return;
  const std::unordered_set<TraceId, base::TraceIdHash> there(traces.begin(), traces.end());
  for (const Tombstone& tombstone : tombstones.tombstones()) {
    if (tombstone.position < made.log_end || !there.contains(tombstone.trace_id)) continue;
    std::erase(finished, tombstone.sequence);
  }
}

}  // namespace

SegmentInfo DescribeSegment(const BuiltSegment& built, SegmentId id) {
  SegmentInfo info;
  info.id = id;
  info.file_bytes = built.bytes.size();
  info.rows = built.meta.rows;
  info.traces = built.meta.traces;
  info.min_start_ns = built.meta.min_start_ns;
  info.max_start_ns = built.meta.max_start_ns;
  info.min_time_ns = built.meta.min_start_ns;
  info.max_time_ns = std::max(built.meta.max_end_ns, built.meta.max_start_ns);
  return info;
}

void SetOrigin(const SegmentOrigin& origin, SegmentInfo& info) {
  info.log_begin = origin.log_begin;
  info.log_end = origin.log_end;
  info.min_arrival_ns = origin.min_arrival_ns;
  info.max_arrival_ns = origin.max_arrival_ns;
  info.generation = origin.generation;
}

SegmentOrigin OriginOf(const SegmentInfo& info) {
  return {info.log_begin, info.log_end, info.min_arrival_ns, info.max_arrival_ns, info.generation};
}

SegmentOrigin OriginOfMerged(const std::vector<SegmentInfo>& sources) {
  SegmentOrigin merged = OriginOf(sources.front());
  for (const SegmentInfo& source : sources) {
    merged.log_begin = std::min(merged.log_begin, source.log_begin);
    merged.log_end = std::max(merged.log_end, source.log_end);
    merged.min_arrival_ns = std::min(merged.min_arrival_ns, source.min_arrival_ns);
    merged.max_arrival_ns = std::max(merged.max_arrival_ns, source.max_arrival_ns);
    merged.generation = std::max(merged.generation, source.generation + 1);
  }
  return merged;
}

std::uint64_t PartitionNs(const StoreOptions& options) {
  const std::uint64_t width = SecondsToNs(options.partition_width);
  const std::uint64_t age = SecondsToNs(options.retention_age);
  return age == 0 ? width : std::min(width, age / 4);
}

Result<std::vector<Straddler>> FindStraddlers(const std::vector<TraceId>& traces, SegmentId id,
                                              const SnapshotData& live) {
  std::vector<Straddler> found;
  for (const TraceId& trace : traces) {
    bool here = false;
    for (std::size_t i = 0; i < live.segments.size(); ++i) {
      TS_TRY_ASSIGN(const bool there, live.segments[i]->HasLowId(trace.low));
      if (!there) continue;
      found.push_back({trace.low, live.places[i].id});
      here = true;
    }
    if (here) found.push_back({trace.low, id});
  }
  return found;
}

SnapshotData Without(const SnapshotData& live, const std::vector<SegmentId>& segments) {
  SnapshotData rest = live;
  rest.segments.clear();
  rest.places.clear();
  for (std::size_t i = 0; i < live.segments.size(); ++i) {
    if (Has(segments, live.places[i].id)) continue;
    rest.segments.push_back(live.segments[i]);
    rest.places.push_back(live.places[i]);
  }
  return rest;
}

Engine::CompactionRun Engine::PrepareRun(const CompactOptions& options) const {
  CompactionRun run;
  run.limits.full = options.full;
  run.limits.max_spans = options.max_spans.value_or(options_.compaction_max_spans);
  // Who asks for larger segments has the memory for them.
  const CompactionLimits usual;
  run.limits.max_memory = std::max(
      usual.max_memory, run.limits.max_spans * usual.max_memory / usual.max_spans);
  StoreOptions with_age = options_;
  with_age.retention_age = options.retention_age.value_or(options_.retention_age);
  run.limits.partition_ns = PartitionNs(with_age);
  run.retention.age_ns = SecondsToNs(with_age.retention_age);
  run.retention.bytes = options.retention_bytes.value_or(options_.retention_bytes);
  return run;
}

Result<CompactResult> Engine::Compact(const CompactOptions& options) {
  using namespace std::chrono_literals;
  TS_TRY(CheckOpen());
  if (!writing())
    return Error(ErrorCode::kInvalidArgument, "the store was opened for reading only");
  const auto bad = [](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument, "compact options: " + what);
  };
  const auto age = options.retention_age.value_or(0s);
  if (age != 0s && (age < 60s || age > 36'500 * 24h))
    return bad("retention_age must be 0 or from 60 s to 100 years");
  const auto spans = options.max_spans.value_or(options_.compaction_max_spans);
  if (spans < 10'000 || spans > 4'000'000)
    return bad("max_spans must be from 10,000 to 4,000,000");
  CompactionRun run = PrepareRun(options);
  run.stop = [&](const CompactionProgress& progress) {
    if (options.progress) options.progress(progress);
    return options.cancel != nullptr && options.cancel->load(std::memory_order_relaxed);
  };
  const std::lock_guard compaction(compact_mutex_);
  if (options.full) TS_TRY(Seal());
  TS_TRY(RunCompaction(run));
  return run.result;
}

// The caller holds compact_mutex_.
Status Engine::RunCompaction(CompactionRun& run) {
  TS_TRY(CheckOpen());
  TS_TRY(PublishIfStale());
  TS_TRY(DropOldSegments(run));
  while (true) {
    if (closing_ || run.stop({.spans_done = 0, .spans_total = 0, .merges_done = run.result.merges}))
      return Error(ErrorCode::kCancelled, "the compaction was stopped");
    TS_TRY_ASSIGN(const auto job, NextJob(run));
    if (!job) return {};
    TS_TRY(MergeOnce(*job, run));
  }
}

Result<std::optional<CompactionJob>> Engine::NextJob(const CompactionRun& run) {
  CatalogView view;
  SnapshotData live;
  TS_TRY(segments_.Refresh(*catalog_, view, live));
  std::vector<PlannedSegment> segments;
  for (const SegmentInfo& info : view.segments) {
    const auto place = PlaceOf(live, info.id);
    if (left_alone_.contains(info.id) || !place) continue;
    auto hidden = HiddenRowCount(live, *place);
    const auto memory = merge_memory_.find(info.id);
    // One whose tables can't be read is met by the merge, which knows what to do with it.
    segments.push_back({info, hidden.has_value() ? *hidden : info.rows,
                        memory == merge_memory_.end() ? 0 : memory->second});
  }
  std::erase_if(merge_memory_, [&](const auto& known) { return !PlaceOf(live, known.first); });
  auto jobs = PlanCompaction(std::move(segments), run.limits);
  if (jobs.empty()) return std::optional<CompactionJob>();
  return std::optional<CompactionJob>(std::move(jobs.front()));
}

// The segment in a reader of its own: what a merge reads of its tables goes when the merge has its
// rows, and isn't kept as long as a snapshot is that has the segment, too.
std::shared_ptr<const SegmentReader> Engine::OpenApart(
    SegmentId id, std::shared_ptr<const SegmentReader> shared) const {
  const std::string path = SegmentPath(directory_, id);
  auto file = files_.OpenForRead(path);
  if (!file.has_value()) return shared;
  auto reader = SegmentReader::Open(std::move(*file), path);
  return reader.has_value() ? std::move(*reader) : shared;
}

// How many of the segments, the first ones, `merge` has taken; 0: the next plan knows more.
Result<std::size_t> Engine::AddSources(const std::vector<SegmentId>& segments,
                                       const SnapshotData& live, SegmentMerge& merge,
                                       CompactionRun& run) {
  SnapshotData apart = live;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto place = PlaceOf(live, segments[i]);
    if (!place) return std::size_t{0};  // gone since the plan: the next one does without it
    if (i >= 2 && !merge.HasRoomFor(live.segments[*place]->meta().rows)) return i;
    const std::uint64_t before = merge.held_bytes();
    apart.segments[*place] = OpenApart(segments[i], live.segments[*place]);
    const auto added = merge.Add(apart, *place);
    apart.segments[*place] = nullptr;
    if (added.has_value()) {
      // Of one that found no room as much as is enough to tell that there is none.
      merge_memory_[segments[i]] = merge.held_bytes() - before;
      if (!*added) return std::size_t{0};
      continue;
    }
    if (added.error().code() != ErrorCode::kCorruption) return added.error();
    Log(LogLevel::kError, "a segment is left out of compaction: " + added.error().message());
    left_alone_.insert(segments[i]);
    ++run.result.segments_damaged;
    return std::size_t{0};
  }
  return segments.size();
}

Status Engine::MergeOnce(const CompactionJob& planned, CompactionRun& run) {
  CatalogView view;
  SnapshotData live;
  TS_TRY(segments_.Refresh(*catalog_, view, live));
  CompactionProgress progress{.spans_done = 0, .spans_total = 0,
                              .merges_done = run.result.merges};
  for (const SegmentInfo& source : InfosOf(view, planned.segments))
    progress.spans_total += source.rows;
  const std::uint64_t most_bytes =
      planned.segments.size() == 1 ? ~std::uint64_t{0} : run.limits.max_memory;
  SegmentMerge merge(progress.spans_total, [&](std::uint64_t spans_read) {
    progress.spans_done = spans_read;
    return closing_ || run.stop(progress);
  }, most_bytes);
  TS_TRY_ASSIGN(const std::size_t added, AddSources(planned.segments, live, merge, run));
  if (added == 0) return {};
  // Of the first ones, where there was no room for all.
  CompactionJob job = planned;
  job.segments.resize(added);
  const std::vector<SegmentInfo> sources = InfosOf(view, job.segments);
  job.bytes = 0;
  for (const SegmentInfo& source : sources) job.bytes += source.file_bytes;
  if (job.segments.size() == 1 && merge.spans_left() == sources.front().rows) {
    // Nothing of it was hidden after all: not to be planned again and again.
    left_alone_.insert(job.segments.front());
    return {};
  }
  const SegmentOrigin origin = OriginOfMerged(sources);
  const std::uint64_t memory = merge.held_bytes();
  TS_TRY_ASSIGN(const BuiltSegment built, merge.Build(origin));
  SegmentInfo made = DescribeSegment(built, ReserveSegmentId(view));
  merge_memory_[made.id] = memory;
  SetOrigin(origin, made);
  made.partition = PartitionOf(made, run.limits.partition_ns);
  if (made.rows > 0) TS_TRY(WriteSegmentFile(made.id, built.bytes));
  const std::uint64_t last = live.tombstones == nullptr ? 0 : live.tombstones->last_sequence();
  auto committed = CommitMerge(made, built.trace_ids, job, last);
  if (!committed.has_value() || !*committed) DropUncommitted(made.id);
  TS_TRY_ASSIGN(const bool done, std::move(committed));
  if (!done) return {};
  CompactResult& result = run.result;
  result.merges += made.rows > 0 ? 1 : 0;
  result.segments_merged += job.segments.size();
  result.spans_written += made.rows;
  result.spans_dropped += merge.spans_read() - made.rows;
  result.bytes_read += job.bytes;
  result.bytes_written += made.file_bytes;
  Metric("compactions", 1);
  Metric("compacted_segments", static_cast<double>(job.segments.size()));
  Metric("compacted_spans", static_cast<double>(made.rows));
  Metric("compacted_bytes_read", static_cast<double>(job.bytes));
  Metric("compacted_bytes_written", static_cast<double>(made.file_bytes));
  Metric("compaction_dropped_spans", static_cast<double>(merge.spans_read() - made.rows));
  return {};
}

// Puts `made` in the place of its sources. False: one of them is live no more, or a tombstone came
// that `made` was to be made without.
Result<bool> Engine::CommitMerge(const SegmentInfo& made, const std::vector<TraceId>& traces,
                                 const CompactionJob& job, std::uint64_t last_tombstone) {
  const std::lock_guard commit_lock(commit_mutex_);
  while (true) {
    CatalogView view;
    SnapshotData live;
    TS_TRY(segments_.Refresh(*catalog_, view, live));
    for (const SegmentId id : job.segments) {
      if (!PlaceOf(live, id)) return false;
    }
    SealCommit commit;
    if (made.rows > 0) commit.added = {made};
    commit.removed = WhollyHidden(view, live);
    commit.removed.insert(commit.removed.end(), job.segments.begin(), job.segments.end());
    TS_TRY_ASSIGN(commit.removed_tombstones,
                  FinishedTombstones(view, live, commit.removed, view.retired_before));
    if (live.tombstones != nullptr) {
      for (const Tombstone& tombstone : live.tombstones->tombstones()) {
        if (tombstone.sequence > last_tombstone && tombstone.position < made.log_end) return false;
      }
      KeepThoseThatHide(made, traces, *live.tombstones, commit.removed_tombstones);
    }
    TS_TRY_ASSIGN(commit.straddlers,
                  FindStraddlers(traces, made.id, Without(live, commit.removed)));
    commit.based_on_segments_version = view.segments_version;
    commit.based_on_tombstones_version = view.tombstones_version;
    const auto committed = CommitSegments(commit);
    if (committed.has_value()) {
      RemoveSegmentFiles(commit.removed);
      TS_TRY(Publish());
      return true;
    }
    if (committed.error().code() != ErrorCode::kBusy) return committed.error();
  }
}

// The caller holds compact_mutex_.
Status Engine::DropOldSegments(CompactionRun& run) {
  if (run.retention.age_ns == 0 && run.retention.bytes == 0) return {};
  const std::lock_guard commit_lock(commit_mutex_);
  while (true) {
    CatalogView view;
    SnapshotData live;
    TS_TRY(segments_.Refresh(*catalog_, view, live));
    const std::vector<SegmentId> old = PlanRetention(view.segments, Now(), run.retention);
    if (old.empty()) return {};
    SealCommit commit;
    commit.removed = WhollyHidden(view, live);
    for (const SegmentId id : old) {
      if (!Has(commit.removed, id)) commit.removed.push_back(id);
    }
    TS_TRY_ASSIGN(commit.removed_tombstones,
                  FinishedTombstones(view, live, commit.removed, view.retired_before));
    commit.based_on_segments_version = view.segments_version;
    commit.based_on_tombstones_version = view.tombstones_version;
    const auto committed = CommitSegments(commit);
    if (!committed.has_value()) {
      if (committed.error().code() == ErrorCode::kBusy) continue;
      return committed.error();
    }
    RemoveSegmentFiles(commit.removed);
    std::uint64_t spans = 0;
    for (const SegmentInfo& info : InfosOf(view, old)) spans += info.rows;
    run.result.segments_expired += old.size();
    run.result.spans_expired += spans;
    Metric("expired_segments", static_cast<double>(old.size()));
    Metric("expired_spans", static_cast<double>(spans));
    return Publish();
  }
}

// A file whose commit failed goes, unless the catalog has it after all or can't be asked.
void Engine::DropUncommitted(SegmentId id) {
  const auto view = catalog_->Read();
  if (!view.has_value() || !InfosOf(*view, {id}).empty()) return;
  (void)files_.Unlink(SegmentPath(directory_, id));
}

void Engine::CompactLoop(const std::stop_token& stop) {
  // Of this thread alone, on Linux; what fails only lacks the courtesy.
  (void)setpriority(PRIO_PROCESS, 0, kNiceness);
  std::mutex mutex;
  std::condition_variable_any rest;
  const auto sleep = [&](steady_clock::duration time) {
    std::unique_lock lock(mutex);
    rest.wait_for(lock, stop, time, [] { return false; });
  };
  CompactionRun run = PrepareRun({});
  auto worked_since = steady_clock::now();
  // Seals go first: their heads and a merge are not in memory together, nor do they share a core,
  // unless heads await sealing all the time.
  bool first_merge = true;
  bool yielded = false;
  const auto heads_wait = [this] {
    const std::lock_guard lock(state_mutex_);
    return !frozen_.empty();
  };
  // Between pages, and so also between merges: rests for what it worked.
  run.stop = [&](const CompactionProgress& at) {
    const bool between_merges = at.spans_total == 0;
    if (between_merges && !first_merge && heads_wait()) yielded = true;
    first_merge = first_merge && !between_merges;
    const auto worked = steady_clock::now() - worked_since;
    const auto duty = options_.compaction_duty_percent;
    sleep(worked * (100 - duty) / duty);
    worked_since = steady_clock::now();
    return yielded || stop.stop_requested();
  };
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(state_mutex_);
      compaction_wanted_.wait_for(lock, stop, kLookEvery,
                                  [&] { return compaction_due_ && frozen_.empty(); });
      compaction_due_ = false;
    }
    if (stop.stop_requested()) return;
    Status done;
    {
      const std::lock_guard compaction(compact_mutex_);
      worked_since = steady_clock::now();
      first_merge = true;
      yielded = false;
      done = RunCompaction(run);
    }
    if (done.has_value() || stop.stop_requested()) continue;
    if (!yielded) {
      Log(LogLevel::kError, "compaction: " + done.error().message());
      sleep(kAfterFailure);
    }
    const std::lock_guard lock(state_mutex_);
    compaction_due_ = true;
  }
}

}  // namespace tracestore::store
