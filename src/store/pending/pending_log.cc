#include "store/pending/pending_log.h"

#include <utility>

#include "base/try.h"

namespace tracestore::store {

Result<std::unique_ptr<PendingLog>> PendingLog::Open(fs::FileSystem& files, std::string directory,
                                                     PendingLogOptions options,
                                                     const Visit& visit) {
  TS_TRY(files.CreateDirectories(directory));
  std::unique_ptr<PendingLog> log(new PendingLog(files, std::move(directory), std::move(options)));
  TS_TRY(log->Replay(visit));
  return log;
}

Status PendingLog::Replay(const Visit& visit) {
  TS_TRY_ASSIGN(const auto numbers, ListLogs(files_, directory_));
  for (const std::uint64_t number : numbers) TS_TRY(ReplayFile(number, visit));
  current_file_ = numbers.empty() ? 1 : numbers.back() + 1;
  log_.StartAt(current_file_);
  return {};
}

Status PendingLog::ReplayFile(std::uint64_t number, const Visit& visit) {
  TS_TRY_ASSIGN(const auto reader, LogReader::Open(files_, directory_, number));
  LogRecord record;
  for (;;) {
    TS_TRY_ASSIGN(const LogReader::Step step, reader->ReadNext(&record));
    if (step != LogReader::Step::kRecord) break;
    TS_TRY(visit(record));
  }
  if (options_.log && reader->stats().damaged_places != 0) {
    options_.log(LogLevel::kError, reader->path() + ": " +
                                       std::to_string(reader->stats().damaged_bytes) +
                                       " damaged bytes passed over");
  }
  if (options_.log && reader->tail_bytes() != 0) {
    options_.log(LogLevel::kWarning, reader->path() + ": a torn end of " +
                                         std::to_string(reader->tail_bytes()) +
                                         " bytes passed over");
  }
  const std::uint64_t size = reader->position().offset + reader->tail_bytes();
  file_bytes_[number] = size;
  bytes_ += size;
  return {};
}

Status PendingLog::Append(std::span<PreparedLogRecord* const> group) {
  const auto written = log_.Write(group);
  if (!written.has_value()) {
    // The next record goes to a new file; this one may have bytes.
    current_file_ = log_.Roll();
    return written.error();
  }
  const LogPosition end = group.back()->end;
  current_file_ = end.file_number;
  std::uint64_t& size = file_bytes_[current_file_];
  bytes_ += end.offset - size;
  size = end.offset;
  if (size >= options_.file_bytes) current_file_ = log_.Roll();
  return {};
}

Result<std::string> PendingLog::Read(LogPosition at) {
  if (reader_ == nullptr || reader_->position() != at) {
    TS_TRY_ASSIGN(reader_, LogReader::Open(files_, directory_, at.file_number, at.offset));
  }
  LogRecord record;
  TS_TRY_ASSIGN(const LogReader::Step step, reader_->ReadNext(&record));
  if (step != LogReader::Step::kRecord || record.begin != at) {
    const std::string path = reader_->path();
    reader_.reset();
    return Error(ErrorCode::kCorruption, path + ": no record at byte " + std::to_string(at.offset));
  }
  return std::string(record.payload);
}

Status PendingLog::RemoveBefore(std::uint64_t file_number) {
  if (file_bytes_.empty() || file_bytes_.begin()->first >= file_number) return {};
  TS_TRY(RemoveLogsBefore(files_, directory_, file_number));
  while (!file_bytes_.empty() && file_bytes_.begin()->first < file_number) {
    bytes_ -= file_bytes_.begin()->second;
    file_bytes_.erase(file_bytes_.begin());
  }
  return {};
}

}  // namespace tracestore::store
