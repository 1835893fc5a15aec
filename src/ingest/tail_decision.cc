// The tail sampler's decisions, and the way of kept traces to the store.
#include <algorithm>
#include <limits>
#include <set>

#include "base/try.h"
#include "ingest/tail_sampler.h"
#include "predicate/batch_binding.h"
#include "predicate/trace_evaluator.h"
#include "store/engine/batch_codec.h"

namespace tracestore::ingest {
namespace {

using model::SpanBatch;

// Traces decided in one go: what bounds the evaluators' memory, and a decision's record.
constexpr std::size_t kChunk = 1024;

}  // namespace

Status TailSampler::Tick() {
  const std::lock_guard tick(tick_mutex_);
  const std::uint64_t now = Now();
  const auto wait = static_cast<std::uint64_t>(options_.wait.count());
  Status status = TickUntil(now < wait ? 0 : now - wait + 1);
  const auto interval =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(options_.sync_interval).count());
  if (options_.sync == SyncPolicy::kInterval && now - synced_at_ns_ >= interval) {
    Status synced = log_->Sync();
    synced_at_ns_ = now;
    if (status.has_value()) status = std::move(synced);
  }
  return status;
}

Status TailSampler::DecideAll() {
  const std::lock_guard tick(tick_mutex_);
  return TickUntil(std::numeric_limits<std::uint64_t>::max());
}

// Decides what came before.
Status TailSampler::TickUntil(std::uint64_t before_ns) {
  for (;;) {
    if (unwritten_ != nullptr) TS_TRY(Carry(*unwritten_));
    unwritten_.reset();
    TS_TRY(FinishMoves());
    std::vector<TraceId> due;
    bool early = false;
    {
      const std::lock_guard lock(mutex_);
      due = pending_.Oldest(before_ns, kChunk);
      early = due.empty() && NearLimits();
      if (early) due = pending_.Oldest(std::numeric_limits<std::uint64_t>::max(), kChunk);
    }
    if (due.empty()) return {};
    const std::size_t traces = due.size();
    TS_TRY_ASSIGN(Judgement judgement, Judge(std::move(due)));
    unwritten_ = std::make_unique<Judgement>(std::move(judgement));
    if (early) Tell("early", StageAction::kChanged, 0, traces);
  }
}

bool TailSampler::NearLimits() const {
  return pending_.traces() >= options_.max_traces - options_.max_traces / 8 ||
         log_->bytes() >= options_.max_disk_bytes - options_.max_disk_bytes / 8;
}

Result<TailSampler::Judgement> TailSampler::Judge(std::vector<TraceId> due) {
  std::unordered_map<TraceId, std::size_t, TraceIdHash> index;
  std::set<RecordId> records;
  {
    const std::lock_guard lock(mutex_);
    for (const TraceId id : due) {
      index.emplace(id, index.size());
      const PendingTraces::Trace* trace = pending_.Find(id);
      records.insert(trace->records.begin(), trace->records.end());
    }
  }
  const auto& policies = policies_.policies();
  std::vector<predicate::TraceEvaluator> evaluators;  // of trace t and policy p: t * policies + p
  static const predicate::CompiledQuery kAny = predicate::CompiledQuery::Compile(Query()).value();
  for (std::size_t t = 0; t < due.size(); ++t)
    for (const auto& policy : policies)
      evaluators.emplace_back(policy.query ? *policy.query : kAny);
  Judgement out;
  out.forced.resize(due.size());
  for (const RecordId id : records) {
    TS_TRY_ASSIGN(const auto batch, Load(id));
    std::vector<std::optional<predicate::BatchBinding>> bindings;
    for (const auto& policy : policies)
      policy.query ? bindings.emplace_back(std::in_place, *policy.query, *batch)
                   : bindings.emplace_back();
    for (std::uint32_t row = 0; row < batch->size(); ++row) {
      const model::SpanRecord& span = batch->spans[row];
      const auto found = index.find(span.trace_id);
      if (found == index.end()) continue;
      if ((span.flags & (model::kFlagDebug | model::kFlagFirehose)) != 0)
        out.forced[found->second] = true;
      for (std::size_t p = 0; p < policies.size(); ++p)
        if (bindings[p]) evaluators[found->second * policies.size() + p].Add(*bindings[p], row);
    }
  }
  std::vector<bool> matches(policies.size());
  for (std::size_t t = 0; t < due.size(); ++t) {
    for (std::size_t p = 0; p < policies.size(); ++p)
      matches[p] = !policies[p].query || evaluators[t * policies.size() + p].Matches();
    // A trace that is kept anyway takes nothing of a rate.
    out.policies.push_back(out.forced[t] ? std::nullopt : decider_.Decide(due[t], matches, Now()));
  }
  out.due = std::move(due);
  return out;
}

// Writes the decision down; from then on it holds, also for spans that came since it was judged. On
// an error the record may stand all the same: the same verdicts must be written again, under a
// number of their own.
Status TailSampler::Carry(const Judgement& judgement) {
  const std::vector<TraceId>& due = judgement.due;
  Decision decision{next_decision_++, {}};
  for (std::size_t t = 0; t < due.size(); ++t)
    decision.traces.push_back({due[t], judgement.forced[t] || judgement.policies[t].has_value()});
  struct Count {
    std::uint64_t spans = 0;
    std::uint64_t traces = 0;
  };
  std::vector<Count> kept(policies_.policies().size());
  Count forced;
  Count dropped;
  Move move;
  move.decision = decision.number;
  {
    const std::lock_guard lock(mutex_);
    TS_TRY(AppendRecord(kDecisionRecordKind, EncodeDecision(decision)));
    for (std::size_t t = 0; t < due.size(); ++t) {
      const PendingTraces::Trace trace = pending_.Take(due[t]);
      const bool keep = decision.traces[t].kept;
      decided_.Add(due[t], keep);
      Count& count = judgement.forced[t] ? forced : keep ? kept[*judgement.policies[t]] : dropped;
      count.spans += trace.spans;
      ++count.traces;
      if (keep) move.kept.insert(due[t]);
      for (const RecordId id : trace.records) {
        if (keep)
          ++move.records[id];
        else
          pending_.Release(id, 1);
      }
    }
    ++epoch_;
    Forget();
  }
  if (!move.kept.empty()) moves_.push_back(std::move(move));
  for (std::size_t p = 0; p < kept.size(); ++p)
    Tell(policies_.policies()[p].name, StageAction::kKept, kept[p].spans, kept[p].traces);
  Tell("debug", StageAction::kKept, forced.spans, forced.traces);
  Tell("no-policy", StageAction::kDropped, dropped.spans, dropped.traces);
  return {};
}

Status TailSampler::FinishMoves() {
  while (!moves_.empty()) {
    TS_TRY(MoveAll(moves_.front()));
    moves_.erase(moves_.begin());
  }
  return {};
}

// The order is what makes each span stand once after any end of the process: the decision, the
// spans in the store, the mark that they are there; each of them on the medium before the next,
// where the policy asks for it.
Status TailSampler::MoveAll(Move& move) {
  const bool sync = options_.sync != SyncPolicy::kOff;
  if (sync && !move.done) TS_TRY(log_->Sync());
  std::map<TraceId, Stored> stored;
  for (const auto& [id, traces] : move.records) {
    if (move.done && id <= *move.done) continue;
    TS_TRY(MoveRecord(move, id, stored));
    move.done = id;
  }
  if (sync) TS_TRY(target_.Sync());
  const std::lock_guard lock(mutex_);
  TS_TRY(AppendRecord(kMovedRecordKind, EncodeMoved(move.decision)));
  for (const auto& [id, traces] : move.records) pending_.Release(id, traces);
  Forget();
  return {};
}

Status TailSampler::MoveRecord(Move& move, RecordId id, std::map<TraceId, Stored>& stored) {
  TS_TRY_ASSIGN(const auto batch, Load(id));
  SpanBatch kept;
  model::BatchAppender appender(kept);
  appender.SetSource(*batch);
  for (std::uint32_t row = 0; row < batch->size(); ++row) {
    const model::SpanRecord& span = batch->spans[row];
    if (!move.kept.contains(span.trace_id)) continue;
    if (move.compare) {
      TS_TRY_ASSIGN(const bool there, IsStored(*batch, span, stored));
      if (there) continue;
    }
    appender.Append(row);
  }
  if (kept.empty()) return {};
  return target_.Append(std::move(kept));
}

// Each span of the store answers for one equal span here.
Result<bool> TailSampler::IsStored(const SpanBatch& batch, const model::SpanRecord& span,
                                   std::map<TraceId, Stored>& stored) {
  const auto [found, added] = stored.try_emplace(span.trace_id);
  Stored& trace = found->second;
  if (added) {
    TS_TRY_ASSIGN(trace.batch, target_.SpansOf(span.trace_id));
    trace.matched.resize(trace.batch->size());
  }
  for (std::size_t row = 0; row < trace.matched.size(); ++row) {
    const model::SpanRecord& other = trace.batch->spans[row];
    if (trace.matched[row] || other.span_id != span.span_id) continue;
    if (!SpansEqual(batch, span, *trace.batch, other)) continue;
    trace.matched[row] = true;
    return true;
  }
  return false;
}

// The batch of a record: from memory, or back from the log. A damaged one is passed over.
Result<std::shared_ptr<const SpanBatch>> TailSampler::Load(RecordId id) {
  PendingTraces::Place place;
  {
    const std::lock_guard lock(mutex_);
    place = pending_.PlaceOf(id);
  }
  if (place.batch != nullptr) return place.batch;
  auto payload = log_->Read(place.at);
  if (payload.has_value()) {
    auto batch = store::DecodeBatch(*payload);
    if (batch.has_value()) return std::make_shared<const SpanBatch>(std::move(batch).value());
    payload = std::move(batch).error();
  }
  if (payload.error().code() != ErrorCode::kCorruption) return payload.error();
  Log(LogLevel::kError, "spans that awaited a decision are lost: " + payload.error().message());
  return std::make_shared<const SpanBatch>();
}

// Under mutex_.
Status TailSampler::AppendRecord(std::uint8_t kind, std::string payload) {
  TS_TRY_ASSIGN(store::PreparedLogRecord record,
                store::PendingLog::Prepare(kind, std::move(payload)));
  store::PreparedLogRecord* const group[] = {&record};
  return log_->Append(group);
}

// Under mutex_. Files that nothing needs go; what can't be removed now goes later.
void TailSampler::Forget() {
  const Status removed = log_->RemoveBefore(pending_.FirstNeededFile(log_->next_file()));
  if (!removed.has_value()) Log(LogLevel::kWarning, removed.error().message());
}

}  // namespace tracestore::ingest
