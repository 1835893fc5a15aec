// EngineLog: the log files a writing engine appends to, one after the other, and their syncs.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <tracestore/status.h>
#include <tracestore/store.h>

#include "fs/file_system.h"
#include "store/log/log_writer.h"

namespace tracestore::store {

// Sync may be called from any thread at any time; everything else by one thread at a time.
class EngineLog {
 public:
  // `files` must outlive the log.
  EngineLog(fs::FileSystem& files, std::string directory, SyncPolicy sync)
      : files_(files), directory_(std::move(directory)), sync_(sync) {}

  // Files from this number up don't stand yet.
  void StartAt(std::uint64_t file_number) noexcept { next_file_ = file_number; }

  // Appends the group, and syncs it where the policy is kFull. On an error none of it may be
  // acknowledged, and the next group goes to a new file. Gives the bytes that were appended.
  Result<std::uint64_t> Write(std::span<PreparedLogRecord* const> group);

  // The next group goes to a new file. Gives its number, above that of each file written so far.
  std::uint64_t Roll() noexcept;

  // Makes durable what Write has appended so far; appending goes on meanwhile. After an error the
  // next group goes to a new file.
  Status Sync();

 private:
  Result<std::shared_ptr<LogWriter>> OpenFile();

  fs::FileSystem& files_;
  const std::string directory_;
  const SyncPolicy sync_;
  std::uint64_t next_file_ = 1;

  // held while Sync works: a second one returns when its bytes are safe too
  std::mutex sync_mutex_;
  std::mutex files_mutex_;  // guards what follows; taken after sync_mutex_
  std::shared_ptr<LogWriter> writer_;
  std::vector<std::shared_ptr<LogWriter>> unsynced_;  // in order; writer_ only as the last
  bool name_unsynced_ = false;  // of a file in the directory
};

}  // namespace tracestore::store
