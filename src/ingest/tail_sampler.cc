// Spans come in and wait; opening, and the thread. What is decided is in tail_decision.cc.
#include "ingest/tail_sampler.h"

#include <algorithm>
#include <limits>

#include "base/thread.h"
#include "base/try.h"
#include "store/engine/batch_codec.h"

namespace tracestore::ingest {
namespace {

using model::SpanBatch;

class StoreTarget final : public TailTarget {
 public:
  explicit StoreTarget(Store& store) : store_(store) {}
  Status Append(SpanBatch&& batch) override { return store_.AppendBatch(std::move(batch)); }
  Status Sync() override { return store_.Sync(); }
  Result<std::shared_ptr<const SpanBatch>> SpansOf(TraceId id) override {
    const auto spans = store_.Get(id);
    if (spans.has_value()) return spans->batch();
    if (spans.error().code() != ErrorCode::kNotFound) return spans.error();
    return std::make_shared<const SpanBatch>();
  }

 private:
  Store& store_;
};

}  // namespace

std::unique_ptr<TailTarget> MakeTailTarget(Store& store) {
  return std::make_unique<StoreTarget>(store);
}

TailSampler::TailSampler(const sampling::TailPolicies& policies, TailSamplerOptions options,
                         TailTarget& target, StageObserver observer)
    : policies_(policies),
      options_(std::move(options)),
      target_(target),
      observer_(std::move(observer)),
      decider_(policies),
      pending_(options_.max_memory_bytes),
      decided_(options_.cached_decisions) {}

TailSampler::~TailSampler() { Stop(); }

Result<std::unique_ptr<TailSampler>> TailSampler::Open(fs::FileSystem& files, std::string directory,
                                                       const sampling::TailPolicies& policies,
                                                       TailSamplerOptions options,
                                                       TailTarget& target, StageObserver observer) {
  std::unique_ptr<TailSampler> out(
      new TailSampler(policies, std::move(options), target, std::move(observer)));
  store::PendingLogOptions log;
  log.sync = out->options_.sync;
  log.file_bytes = out->options_.file_bytes;
  log.log = out->options_.log;
  TS_TRY_ASSIGN(out->log_, store::PendingLog::Open(files, std::move(directory), std::move(log),
                                                   [&](const store::LogRecord& record) {
                                                     return out->Replay(record);
                                                   }));
  if (out->pending_.traces() != 0) {
    out->Log(LogLevel::kInfo, std::to_string(out->pending_.spans()) + " spans of " +
                                  std::to_string(out->pending_.traces()) +
                                  " traces wait again for a decision");
  }
  if (out->options_.background)
    out->thread_ =
        base::StartThread([raw = out.get()](const std::stop_token& stop) { raw->Run(stop); });
  return out;
}

Status TailSampler::Replay(const store::LogRecord& record) {
  if (record.kind == kDecisionRecordKind) {
    TS_TRY_ASSIGN(const Decision decision, DecodeDecision(record.payload));
    ReplayDecision(decision);
    return {};
  }
  if (record.kind == kMovedRecordKind) {
    TS_TRY_ASSIGN(const std::uint64_t decision, DecodeMoved(record.payload));
    const auto move = std::find_if(moves_.begin(), moves_.end(),
                                   [&](const Move& m) { return m.decision == decision; });
    if (move == moves_.end()) return {};
    for (const auto& [id, traces] : move->records) pending_.Release(id, traces);
    moves_.erase(move);
    return {};
  }
  if (record.kind != store::kBatchRecordKind) {
    return Error(ErrorCode::kUnsupported, "the pending log has records of kind " +
                                              std::to_string(record.kind) +
                                              ": use a newer tracestore");
  }
  auto batch = store::DecodeBatch(record.payload);
  if (!batch.has_value()) {
    if (batch.error().code() != ErrorCode::kCorruption) return batch.error();
    Log(LogLevel::kError, "spans that awaited a decision are lost: " + batch.error().message());
    return {};
  }
  const auto traces = TracesOf(*batch);
  pending_.Add(record.begin, std::move(batch).value(), traces, Now());
  return {};
}

void TailSampler::ReplayDecision(const Decision& decision) {
  Move move;
  move.decision = decision.number;
  move.compare = true;
  for (const TraceVerdict& verdict : decision.traces) {
    decided_.Add(verdict.id, verdict.kept);
    if (pending_.Find(verdict.id) == nullptr) continue;
    const PendingTraces::Trace trace = pending_.Take(verdict.id);
    if (verdict.kept) move.kept.insert(verdict.id);
    for (const RecordId id : trace.records) {
      if (verdict.kept)
        ++move.records[id];
      else
        pending_.Release(id, 1);
    }
  }
  if (!move.kept.empty()) moves_.push_back(std::move(move));
  next_decision_ = std::max(next_decision_, decision.number + 1);
}

Status TailSampler::Accept(SpanBatch&& batch, const SpanContext& /*context*/) {
  SpanBatch rest = std::move(batch);
  SpanBatch late;
  std::uint64_t late_dropped = 0;
  while (!rest.empty()) {
    std::vector<std::optional<bool>> fates(rest.size());
    std::uint64_t epoch = 0;
    {
      const std::lock_guard lock(mutex_);
      epoch = epoch_;
      for (std::size_t row = 0; row < rest.size(); ++row) {
        const bool again = row != 0 && rest.spans[row].trace_id == rest.spans[row - 1].trace_id;
        fates[row] = again ? fates[row - 1] : decided_.Find(rest.spans[row].trace_id);
      }
    }
    const bool all_wait =
        std::none_of(fates.begin(), fates.end(), [](const auto& fate) { return fate.has_value(); });
    SpanBatch waiting;
    if (all_wait) {
      waiting = std::move(rest);
    } else {
      model::BatchAppender to_waiting(waiting);
      model::BatchAppender to_late(late);
      to_waiting.SetSource(rest);
      to_late.SetSource(rest);
      for (std::uint32_t row = 0; row < rest.size(); ++row) {
        if (!fates[row])
          to_waiting.Append(row);
        else if (*fates[row])
          to_late.Append(row);
        else
          ++late_dropped;
      }
    }
    rest = {};
    if (waiting.empty()) break;
    TS_TRY_ASSIGN(const bool appended, AppendPending(waiting, epoch));
    if (!appended) rest = std::move(waiting);  // one of its traces was decided meanwhile
  }
  const std::uint64_t late_kept = late.size();
  if (late_kept != 0) TS_TRY(target_.Append(std::move(late)));
  Tell("late-kept", StageAction::kKept, late_kept, 0);
  Tell("late-dropped", StageAction::kDropped, late_dropped, 0);
  return {};
}

// False where a trace of the batch has been decided since the epoch: it is as it was then. Else it
// is empty. Whoever gets the lock appends for all that wait for it: one write and one sync.
Result<bool> TailSampler::AppendPending(SpanBatch& batch, std::uint64_t epoch) {
  Waiting waiting;
  waiting.batch = &batch;
  waiting.traces = TracesOf(batch);
  waiting.epoch = epoch;
  TS_TRY_ASSIGN(waiting.record,
                store::PendingLog::Prepare(store::kBatchRecordKind, store::EncodeBatch(batch)));
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(&waiting);
  }
  const std::lock_guard lock(mutex_);
  if (!waiting.outcome) AppendGroup();
  return *std::move(waiting.outcome);
}

// Under mutex_. Empties the queue.
void TailSampler::AppendGroup() {
  std::vector<Waiting*> all;
  {
    const std::lock_guard lock(queue_mutex_);
    all.swap(queue_);
  }
  std::vector<Waiting*> group;
  std::vector<store::PreparedLogRecord*> records;
  std::uint64_t bytes = 0;
  for (Waiting* const one : all) {
    const bool decided =
        one->epoch != epoch_ &&
        std::any_of(one->traces.begin(), one->traces.end(),
                    [&](const auto& trace) { return decided_.Find(trace.first).has_value(); });
    if (decided) {
      one->outcome = false;
      continue;
    }
    bytes += one->record.stored.size();
    const Status fits = CheckLimits(bytes);
    if (!fits.has_value()) {
      one->outcome = fits.error();
      continue;
    }
    group.push_back(one);
    records.push_back(&one->record);
  }
  if (group.empty()) return;
  const Status appended = log_->Append(records);
  for (Waiting* const one : group) {
    if (!appended.has_value()) {
      one->outcome = appended.error();
      continue;
    }
    pending_.Add(one->record.begin, std::move(*one->batch), one->traces, Now());
    *one->batch = {};
    one->outcome = true;
  }
}

// Under mutex_.
Status TailSampler::CheckLimits(std::uint64_t more_bytes) const {
  if (pending_.traces() >= options_.max_traces) {
    return Error(ErrorCode::kBusy,
                 std::to_string(pending_.traces()) + " traces await a decision, no more fit");
  }
  if (log_->bytes() + more_bytes > options_.max_disk_bytes) {
    return Error(ErrorCode::kBusy,
                 std::to_string(log_->bytes()) + " bytes on disk await a decision, no more fit");
  }
  return {};
}

void TailSampler::Run(const std::stop_token& stop) {
  const auto tick = std::clamp<std::chrono::nanoseconds>(
      options_.wait / 10, std::chrono::milliseconds(10), options_.sync_interval);
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  std::string last_error;
  while (!wake.wait_for(lock, stop, tick, [&] { return stop.stop_requested(); })) {
    const Status status = Tick();
    std::string error = status.has_value() ? std::string() : status.error().message();
    if (error != last_error && !error.empty())
      Log(LogLevel::kError, "what awaits a decision goes on waiting: " + error);
    last_error = std::move(error);
  }
}

void TailSampler::Stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  if (log_ == nullptr || options_.sync == SyncPolicy::kOff) return;
  const Status synced = log_->Sync();
  if (!synced.has_value()) Log(LogLevel::kError, synced.error().message());
}

TailStats TailSampler::Stats() const {
  const std::lock_guard lock(mutex_);
  return {pending_.traces(), pending_.spans(), pending_.memory_bytes(), log_->bytes(),
          pending_.spilled_records()};
}

std::uint64_t TailSampler::Now() const {
  if (options_.clock) return options_.clock();
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

void TailSampler::Log(LogLevel level, const std::string& text) const {
  if (options_.log) options_.log(level, text);
}

void TailSampler::Tell(std::string_view rule, StageAction action, std::uint64_t spans,
                       std::uint64_t traces) const {
  if (observer_ && (spans != 0 || traces != 0)) observer_({"tail", rule, action, spans, traces});
}

}  // namespace tracestore::ingest
