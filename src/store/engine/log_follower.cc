#include "store/engine/log_follower.h"

#include "base/try.h"
#include "store/engine/batch_codec.h"

namespace tracestore::store {

// Spans that were acknowledged are lost: an answer without them would be wrong, and the next seal
// would remove what is left of them.
Error LogFollower::Damaged(const FollowedLog& log, std::uint64_t at) {
  return {ErrorCode::kCorruption, "the log " + log.reader->path() + ": a record at byte " +
                                      std::to_string(at) +
                                      " is damaged; tracestore repair keeps the others"};
}

Status LogFollower::ReadOn(FollowedLog& log) {
  if (log.bad_batch_at != 0) return Damaged(log, log.bad_batch_at);
  LogRecord record;
  while (true) {
    TS_TRY_ASSIGN(const auto step, log.reader->ReadNext(&record));
    log.tail_bytes = step == LogReader::Step::kIncomplete ? log.reader->tail_bytes() : 0;
    if (const auto at = log.reader->stats().first_damaged_record; at != 0) return Damaged(log, at);
    if (log.tail_bytes > 0) {
      TS_TRY_ASSIGN(const bool torn, log.reader->TailIsTorn());
      if (!torn) return Damaged(log, log.reader->position().offset);
    }
    if (step != LogReader::Step::kRecord) return {};
    if (record.kind != kBatchRecordKind) {
      return Error(ErrorCode::kUnsupported,
                   "the log " + log.reader->path() + " has a record of kind " +
                       std::to_string(record.kind) + ": use a newer tracestore");
    }
    auto batch = DecodeBatch(record.payload);
    if (batch.has_value()) {
      log.head->Add(std::move(*batch), record.end);
    } else if (batch.error().code() == ErrorCode::kUnsupported) {
      return std::move(batch).error();
    } else {
      log.bad_batch_at = record.begin.offset;
      return Damaged(log, record.begin.offset);
    }
  }
}

void LogFollower::Hide(const std::shared_ptr<const TombstoneSet>& tombstones) {
  if (hidden_ == tombstones) return;
  hidden_ = tombstones;
  for (auto& [number, log] : logs_) log.head->Hide(tombstones);
}

Status LogFollower::Refresh(std::uint64_t first) {
  TS_TRY_ASSIGN(const auto numbers, ListLogs(files_, directory_));
  std::erase_if(logs_, [&](const auto& entry) { return entry.first < first; });
  log_bytes_ = 0;
  for (const std::uint64_t number : numbers) {
    if (number < first) continue;
    auto found = logs_.find(number);
    if (found == logs_.end()) {
      TS_TRY_ASSIGN(auto reader, LogReader::Open(files_, directory_, number));
      found = logs_.emplace(number, FollowedLog{}).first;
      found->second.reader = std::move(reader);
      found->second.head->Hide(hidden_);
    }
    TS_TRY(ReadOn(found->second));
    log_bytes_ += found->second.reader->position().offset;
  }
  return {};
}

std::vector<std::shared_ptr<const HeadBatch>> LogFollower::batches() const {
  std::vector<std::shared_ptr<const HeadBatch>> all;
  for (const auto& [number, log] : logs_)
    all.insert(all.end(), log.head->batches().begin(), log.head->batches().end());
  return all;
}

std::uint64_t LogFollower::damaged_places() const {
  std::uint64_t places = 0;
  for (const auto& [number, log] : logs_)
    places += log.reader->stats().damaged_places + (log.tail_bytes > 0 ? 1 : 0);
  return places;
}

}  // namespace tracestore::store
