// LogWriter: appends records to one new file of the write-ahead log (docs/format/wal.md).
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/log/log_format.h"

namespace tracestore::store {

struct LogWriterOptions {
  // Compress payloads with lz4 where that makes them smaller.
  bool compress = true;
  // Sync the new file's header and name before Create returns. Without it a power cut may lose the
  // whole file; a killed process never does.
  bool sync_creation = true;
};

// A payload made ready to be written: compressed and summed, which needs no lock and is the costly
// part. `sequence` and `end` are set by LogWriter::Append.
struct PreparedLogRecord {
  LogRecordHeader header;     // without the sequence
  std::string stored;         // the payload as it goes to the file
  std::uint64_t sequence = 0;
  LogPosition begin;          // of the record's header
  LogPosition end;            // of the byte after the record
};

// Any thread. kInvalidArgument when `payload` has more than 64 MiB.
Result<PreparedLogRecord> PrepareLogRecord(std::uint8_t kind, std::string_view payload,
                                           bool compress);

// One thread at a time, but that another may Sync beside it. After a failed Append or Sync nothing
// is ever appended to this file again: every further call gives kIo, and the store goes on in a new
// file.
class LogWriter {
 public:
  // Creates `directory`/<file_number>.log, which must not stand yet (kIo, EEXIST), with its header.
  // `files` must outlive the writer. When this fails a file with a torn header may be left; it
  // holds no record, readers pass it over, and its number counts as used.
  static Result<std::unique_ptr<LogWriter>> Create(fs::FileSystem& files,
                                                   const std::string& directory,
                                                   std::uint64_t file_number,
                                                   std::uint64_t first_sequence,
                                                   LogWriterOptions options = {});

  // Appends one record and returns the position after it. When it returns the bytes are with the
  // kernel: a killed process loses nothing, a power cut all since the last Sync.
  Result<LogPosition> Append(std::uint8_t kind, std::string payload);

  // The same for a group of records of concurrent writers, in one write (one a MiB when large).
  // Sets sequence, begin and end of each. On an error some of them may be in the file: none may be
  // acknowledged, and any may be read back.
  Status Append(std::span<PreparedLogRecord* const> group);

  // Makes durable what Append had appended when this began. Any thread.
  Status Sync();

  // Reports what closing says; the destructor closes silently. No further calls.
  Status Close();

  std::uint64_t file_number() const noexcept { return end_.file_number; }
  // After the last record that was appended without error.
  LogPosition end() const noexcept { return end_; }
  std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  bool failed() const { return !CheckUsable().has_value(); }

 private:
  LogWriter(std::string path, std::unique_ptr<fs::WritableFile> file, LogPosition end,
            std::uint64_t first_sequence, bool compress);
  Status CheckUsable() const;
  Status Fail(Error error);

  const std::string path_;
  const std::unique_ptr<fs::WritableFile> file_;
  const bool compress_;
  LogPosition end_;
  std::uint64_t next_sequence_;
  std::string buffer_;  // headers and payloads of one write
  mutable std::mutex failure_mutex_;  // guards failure_
  std::optional<Error> failure_;
};

}  // namespace tracestore::store
