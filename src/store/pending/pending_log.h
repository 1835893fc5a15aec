// PendingLog: records that wait beside the store for a decision on them, in files like those of the
// write-ahead log (docs/format/pending.md). Append, read back by place, forget the oldest files.
#pragma once
#include <tracestore/status.h>
#include <tracestore/store.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "fs/file_system.h"
#include "store/engine/engine_log.h"
#include "store/log/log_format.h"
#include "store/log/log_reader.h"

namespace tracestore::store {

struct PendingLogOptions {
  SyncPolicy sync = SyncPolicy::kInterval;  // as the store's: kFull syncs each record
  std::uint64_t file_bytes = 16ULL << 20;   // a file is left for the next one beyond this
  std::function<void(LogLevel, std::string_view)>
      log;  // torn ends and damage that were passed over
};

// Append and RemoveBefore by one thread at a time; Sync and Read beside them, Read by one.
// One process: the store's own lock is held by whoever opens this.
class PendingLog {
 public:
  using Visit = std::function<Status(const LogRecord&)>;

  // Creates the directory where it is missing. Gives every record that stands to `visit`, in the
  // order in which they were appended; what is appended next goes to a new file. `files` must
  // outlive the log. Errors: kIo, kUnsupported, and what `visit` gives.
  static Result<std::unique_ptr<PendingLog>> Open(fs::FileSystem& files, std::string directory,
                                                  PendingLogOptions options, const Visit& visit);

  // Any thread: the costly part of an Append. kInvalidArgument beyond 64 MiB.
  static Result<PreparedLogRecord> Prepare(std::uint8_t kind, std::string payload) {
    return PrepareLogRecord(kind, std::move(payload), true);
  }
  // When it returns the records are with the kernel, and on the medium where the policy says so, by
  // one write and one sync; their begin and end are set. On an error any of them may be read back
  // all the same. Errors: kIo.
  Status Append(std::span<PreparedLogRecord* const> group);

  // The payload of a record that was appended or visited, and still stands. Errors: kIo,
  // kCorruption.
  Result<std::string> Read(LogPosition at);

  // Removes the files with lower numbers. Their records must not be needed any more, nor the
  // decisions in them: files go in their order.
  Status RemoveBefore(std::uint64_t file_number);
  // The file that the next record goes to, or a later one.
  std::uint64_t next_file() const noexcept { return current_file_; }

  Status Sync() { return log_.Sync(); }
  // Bytes of all files.
  std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  PendingLog(fs::FileSystem& files, std::string directory, PendingLogOptions options)
      : files_(files),
        directory_(std::move(directory)),
        options_(std::move(options)),
        log_(files, directory_, options_.sync) {}
  Status Replay(const Visit& visit);
  Status ReplayFile(std::uint64_t number, const Visit& visit);

  fs::FileSystem& files_;
  const std::string directory_;
  const PendingLogOptions options_;
  EngineLog log_;
  std::uint64_t current_file_ = 1;
  std::map<std::uint64_t, std::uint64_t> file_bytes_;  // by number, of files that stand
  std::atomic<std::uint64_t> bytes_{0};
  std::unique_ptr<LogReader> reader_;  // where Read was last
};

}  // namespace tracestore::store
