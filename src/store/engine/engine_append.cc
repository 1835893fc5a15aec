// How an engine takes spans in: appends that come at a time share one write and one sync of the
// log, and a head that is full is frozen.
#include "base/thread_scratch.h"
#include "base/try.h"
#include "store/engine/batch_codec.h"
#include "store/engine/engine.h"

namespace tracestore::store {
namespace {

// What one append writes of its own and of others' records.
constexpr std::size_t kMostGroupBytes = std::size_t{4} << 20;

Result<PreparedLogRecord> RecordOf(const model::SpanBatch& batch) {
  const base::ThreadScratch<model::SpanBatch> payload;
  EncodeBatch(batch, payload.bytes());
  return PrepareLogRecord(kBatchRecordKind, payload.bytes(), true);
}

}  // namespace

bool Engine::HeadIsFull() const {
  return head_->spans() >= options_.head_max_spans ||
         head_->memory_bytes() >= options_.head_max_bytes;
}

// The caller holds append_mutex_. Rows that come now go to a new log and a new head.
void Engine::Freeze() {
  const std::uint64_t next_log = log_.Roll();
  const std::lock_guard lock(state_mutex_);
  if (!head_->holds_records()) return;
  frozen_bytes_ += head_->memory_bytes();
  frozen_.push_back({head_, head_log_bytes_, next_log, false});
  head_ = std::make_shared<Head>();
  head_log_bytes_ = 0;
  head_->Hide(tombstones_);
  frozen_changed_.notify_all();
}

Status Engine::WaitForRoom() {
  std::unique_lock lock(state_mutex_);
  const bool room = frozen_changed_.wait_for(lock, options_.append_timeout, [&] {
    return frozen_bytes_ < options_.backlog_max_bytes || closed_;
  });
  if (room) return {};
  return Error(ErrorCode::kBusy,
               "sealing lags behind: " + std::to_string(frozen_bytes_) +
                   " bytes await it" + (seal_error_ ? " (" + seal_error_->message() + ")" : "") +
                   "; try again later");
}

Status Engine::Append(model::SpanBatch&& batch) {
  if (!writing()) {
    return Error(ErrorCode::kInvalidArgument, "the store was opened for reading only");
  }
  if (batch.empty()) return {};
  TS_TRY(CheckOpen());
  const auto spans = static_cast<double>(batch.size());
  TS_TRY_ASSIGN(PreparedLogRecord record, RecordOf(batch));
  PendingAppend pending{std::move(record), std::move(batch), std::nullopt};
  TS_TRY(AppendQueued(pending));
  Metric("appended_spans", spans);
  if (!options_.background_sealing) return SealNext();
  return {};
}

// Whoever holds the lock appends for all that wait for it: one write and one sync.
Status Engine::AppendQueued(PendingAppend& pending) {
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(&pending);
  }
  const std::lock_guard lock(append_mutex_);
  while (!pending.outcome) AppendGroup();
  return std::move(*pending.outcome);
}

std::vector<Engine::PendingAppend*> Engine::TakeGroup() {
  const std::lock_guard lock(queue_mutex_);
  std::vector<PendingAppend*> group;
  std::size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front()->record.stored.size() <=
                                                  kMostGroupBytes)) {
    bytes += queue_.front()->record.stored.size();
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

// The caller holds append_mutex_ and has an append in the queue.
void Engine::AppendGroup() {
  const std::vector<PendingAppend*> group = TakeGroup();
  const Status status = WriteGroup(group);
  for (PendingAppend* const pending : group) pending->outcome = status;
}

Status Engine::WriteGroup(const std::vector<PendingAppend*>& group) {
  TS_TRY(CheckOpen());
  TS_TRY(WaitForRoom());
  std::vector<PreparedLogRecord*> records;
  for (PendingAppend* const pending : group) records.push_back(&pending->record);
  TS_TRY_ASSIGN(const std::uint64_t bytes, log_.Write(records));
  bool full = false;
  {
    const std::lock_guard state(state_mutex_);
    for (PendingAppend* const pending : group)
      head_->Add(std::move(pending->batch), pending->record.end);
    head_log_bytes_ += bytes;
    full = HeadIsFull();
  }
  if (full) Freeze();
  Metric("append_group_batches", static_cast<double>(group.size()));
  return {};
}

Status Engine::Sync() {
  TS_TRY(CheckOpen());
  return log_.Sync();
}

void Engine::SyncLoop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, options_.sync_interval, [] { return false; });
    if (stop.stop_requested()) return;
    if (auto synced = Sync(); !synced.has_value())
      Log(LogLevel::kError, "the log could not be synced: " + synced.error().message());
  }
}

}  // namespace tracestore::store
