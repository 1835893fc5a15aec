#include "store/engine/engine_log.h"

#include <utility>

#include "base/try.h"

namespace tracestore::store {

Result<std::shared_ptr<LogWriter>> EngineLog::OpenFile() {
  {
    const std::lock_guard lock(files_mutex_);
    if (writer_ != nullptr) return writer_;
  }
  LogWriterOptions options;
  options.sync_creation = sync_ == SyncPolicy::kFull;
  const std::uint64_t number = next_file_++;
  auto created = LogWriter::Create(files_, directory_, number, number << 32, options);
  if (!created.has_value()) {
    // The number is used where a file has it. Numbers stay contiguous: a missing log is a lost one.
    const auto stands = files_.Exists(fs::JoinPath(directory_, LogFileName(number)));
    if (stands.has_value() && !*stands) next_file_ = number;
    return std::move(created).error();
  }
  std::shared_ptr<LogWriter> writer = std::move(*created);
  const std::lock_guard lock(files_mutex_);
  name_unsynced_ = name_unsynced_ || !options.sync_creation;
  writer_ = writer;
  return writer;
}

Result<std::uint64_t> EngineLog::Write(std::span<PreparedLogRecord* const> group) {
  TS_TRY_ASSIGN(const auto writer, OpenFile());
  const std::uint64_t before = writer->end().offset;
  auto written = writer->Append(group);
  if (written.has_value() && sync_ == SyncPolicy::kFull) written = writer->Sync();
  const std::lock_guard lock(files_mutex_);
  if (!written.has_value()) {
    if (writer_ == writer) writer_.reset();
    return std::move(written).error();
  }
  if (sync_ != SyncPolicy::kFull && (unsynced_.empty() || unsynced_.back() != writer))
    unsynced_.push_back(writer);
  return writer->end().offset - before;
}

std::uint64_t EngineLog::Roll() noexcept {
  const std::lock_guard lock(files_mutex_);
  writer_.reset();  // a Sync that is to come keeps the file open
  return next_file_;
}

Status EngineLog::Sync() {
  const std::lock_guard sync(sync_mutex_);
  std::vector<std::shared_ptr<LogWriter>> files;
  bool name = false;
  {
    const std::lock_guard lock(files_mutex_);
    files.swap(unsynced_);
    name = std::exchange(name_unsynced_, false);
  }
  Status status;
  if (name) status = files_.SyncDirectory(directory_);
  for (const auto& file : files) {
    auto synced = file->Sync();
    if (synced.has_value()) continue;
    if (status.has_value()) status = std::move(synced);
    const std::lock_guard lock(files_mutex_);
    if (writer_ == file) writer_.reset();
  }
  return status;
}

}  // namespace tracestore::store
