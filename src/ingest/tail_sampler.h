// TailSampler: the stage that keeps whole traces or none. Spans wait in the pending log until the
// decision on their trace is due; then they go to the store, or are gone (docs/ingest.md). One a
// store, so one a tenant: it looks at no tenant.
#pragma once
#include <tracestore/status.h>
#include <tracestore/store.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ingest/decision_cache.h"
#include "ingest/pending_records.h"
#include "ingest/pending_traces.h"
#include "ingest/span_sink.h"
#include "ingest/stage_event.h"
#include "sampling/tail_policy.h"
#include "store/pending/pending_log.h"

namespace tracestore::fs {
class FileSystem;
}

namespace tracestore::ingest {

// Where kept traces go. Threads: Append from any, the others from one.
class TailTarget {
 public:
  virtual ~TailTarget() = default;
  virtual Status Append(model::SpanBatch&& batch) = 0;
  virtual Status Sync() = 0;
  // Every span of the trace that stands there, as it was appended; empty where there is none.
  virtual Result<std::shared_ptr<const model::SpanBatch>> SpansOf(TraceId id) = 0;
};
// `store` is borrowed.
std::unique_ptr<TailTarget> MakeTailTarget(Store& store);

struct TailSamplerOptions {
  std::chrono::nanoseconds wait = std::chrono::seconds(30);  // from a trace's first span
  std::uint64_t max_memory_bytes = 64ULL << 20;  // of spans held in memory; more is in the log only
  // At 7/8 of these the oldest traces are decided early, beyond them senders are told to come
  // again.
  std::size_t max_traces = 200'000;
  std::uint64_t max_disk_bytes = 1ULL << 30;  // of the pending log's files
  std::uint64_t file_bytes = 16ULL << 20;     // of one of them
  std::size_t cached_decisions = 262'144;     // that late spans follow
  SyncPolicy sync = SyncPolicy::kInterval;    // as the store's
  std::chrono::milliseconds sync_interval{1000};
  bool background = true;                // decide in a thread of its own; else Tick() does
  std::function<std::uint64_t()> clock;  // nanoseconds, never back; default: steady_clock
  std::function<void(LogLevel, std::string_view)> log;
};

struct TailStats {
  std::uint64_t traces = 0;           // that wait
  std::uint64_t spans = 0;            // of them
  std::uint64_t memory_bytes = 0;     // of spans held in memory
  std::uint64_t disk_bytes = 0;       // of the pending log
  std::uint64_t spilled_records = 0;  // whose spans are in the log only
};

// Threads: any call from any thread. Locks: tick_mutex_ → mutex_ → queue_mutex_.
class TailSampler final : public SpanSink {
 public:
  // `directory`: of the pending log, under the store's. What waited there waits again, from now;
  // what was decided and not yet moved is moved by the first Tick. `files`, `policies` and `target`
  // are borrowed. Errors: kIo, kUnsupported.
  static Result<std::unique_ptr<TailSampler>> Open(fs::FileSystem& files, std::string directory,
                                                   const sampling::TailPolicies& policies,
                                                   TailSamplerOptions options, TailTarget& target,
                                                   StageObserver observer);
  ~TailSampler() override;  // Stop()
  TailSampler(const TailSampler&) = delete;
  TailSampler& operator=(const TailSampler&) = delete;

  // Success: each span is in the pending log, or its trace was kept and it is in the store, or its
  // trace was dropped and it is counted. On an error some spans may be kept all the same, where the
  // batch has spans of kept traces and of others. Errors also: kBusy, the limits are reached.
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override;

  // Decides what is due and moves what is kept. On an error the rest is due again at the next call.
  Status Tick();
  // Decides everything that waits, whenever it came: for stores that don't outlive the process.
  Status DecideAll();

  // Ends the thread; what waits goes on waiting at the next Open. No call after it but Stats.
  void Stop();

  TailStats Stats() const;

 private:
  using RecordId = PendingTraces::RecordId;
  // Spans of kept traces on their way to the store. Resumes where an error stopped it.
  struct Move {
    std::uint64_t decision = 0;
    std::unordered_set<TraceId, TraceIdHash> kept;
    std::map<RecordId, std::uint32_t> records;  // with how many of the traces each has
    std::optional<RecordId> done;               // the last record that was moved
    // It was begun before a restart: what the store has already isn't appended again.
    bool compare = false;
  };
  struct Stored {  // of a trace, for a move that compares
    std::shared_ptr<const model::SpanBatch> batch;
    std::vector<bool> matched;
  };
  // A batch that its thread wants in the pending log, or another one's with its own.
  struct Waiting {
    model::SpanBatch* batch = nullptr;
    std::vector<std::pair<TraceId, std::uint32_t>> traces;
    store::PreparedLogRecord record;
    std::uint64_t epoch = 0;              // of decided_, when none of the traces was in it
    std::optional<Result<bool>> outcome;  // guarded by mutex_; false: one of the traces is decided
  };
  struct Judgement {
    std::vector<TraceId> due;
    std::vector<std::optional<std::size_t>> policies;  // by trace: what keeps it, if anything
    std::vector<bool> forced;  // by trace: a debug or firehose span keeps it
  };

  TailSampler(const sampling::TailPolicies& policies, TailSamplerOptions options,
              TailTarget& target, StageObserver observer);

  Status Replay(const store::LogRecord& record);
  void ReplayDecision(const Decision& decision);
  Result<bool> AppendPending(model::SpanBatch& batch, std::uint64_t epoch);
  void AppendGroup();
  Status CheckLimits(std::uint64_t more_bytes) const;
  Status TickUntil(std::uint64_t before_ns);
  Result<Judgement> Judge(std::vector<TraceId> due);
  Status Carry(const Judgement& judgement);
  Status FinishMoves();
  Status MoveAll(Move& move);
  Status MoveRecord(Move& move, RecordId id, std::map<TraceId, Stored>& stored);
  Result<bool> IsStored(const model::SpanBatch& batch, const model::SpanRecord& span,
                        std::map<TraceId, Stored>& stored);
  Result<std::shared_ptr<const model::SpanBatch>> Load(RecordId id);
  Status AppendRecord(std::uint8_t kind, std::string payload);
  void Forget();
  bool NearLimits() const;
  std::uint64_t Now() const;
  void Run(const std::stop_token& stop);
  void Log(LogLevel level, const std::string& text) const;
  void Tell(std::string_view rule, StageAction action, std::uint64_t spans,
            std::uint64_t traces) const;

  const sampling::TailPolicies& policies_;
  const TailSamplerOptions options_;
  TailTarget& target_;
  const StageObserver observer_;

  std::mutex tick_mutex_;  // held while decisions are made and moved; guards the five below
  sampling::TailDecider decider_;
  std::unique_ptr<Judgement> unwritten_;  // whose decision stands in no record yet
  std::vector<Move> moves_;
  std::uint64_t next_decision_ = 1;
  std::uint64_t synced_at_ns_ = 0;

  mutable std::mutex mutex_;  // guards what follows; held over an append to the pending log
  std::unique_ptr<store::PendingLog> log_;  // Read under tick_mutex_ alone
  PendingTraces pending_;
  DecisionCache decided_;
  std::uint64_t epoch_ = 0;  // counts changes of decided_

  std::mutex queue_mutex_;  // guards queue_
  std::vector<Waiting*> queue_;

  std::jthread thread_;
};

}  // namespace tracestore::ingest
