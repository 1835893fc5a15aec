// Bytes: docs/format/wal.md.
#include "store/log/log_writer.h"

#include <lz4.h>

#include <utility>

#include "base/hash.h"
#include "base/thread_scratch.h"
#include "base/try.h"

namespace tracestore::store {
namespace {

// Bytes gathered before a write: one system call for a usual group, without a second copy of a
// 64 MiB record.
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

}  // namespace

Result<PreparedLogRecord> PrepareLogRecord(std::uint8_t kind, std::string_view payload,
                                           bool compress) {
  if (payload.size() > kMostLogPayloadBytes) {
    return Error(ErrorCode::kInvalidArgument,
                 "a log record of " + std::to_string(payload.size()) +
                     " bytes exceeds the limit of " + std::to_string(kMostLogPayloadBytes) +
                     " bytes");
  }
  PreparedLogRecord record;
  record.header.kind = kind;
  record.header.raw_bytes = static_cast<std::uint32_t>(payload.size());
  if (compress && payload.size() > 1) {
    const base::ThreadScratch<PreparedLogRecord> scratch;
    const std::size_t room = payload.size() - 1;  // lz4 gives 0 when the result needs more
    char* const to = scratch.AtLeast(room);
    const int bytes = LZ4_compress_default(payload.data(), to, static_cast<int>(payload.size()),
                                           static_cast<int>(room));
    if (bytes > 0) {
      record.stored.assign(to, static_cast<std::size_t>(bytes));
      record.header.compression = LogCompression::kLz4;
    }
  }
  if (record.header.compression == LogCompression::kNone) record.stored = payload;
  record.header.stored_bytes = static_cast<std::uint32_t>(record.stored.size());
  record.header.payload_checksum = base::Checksum32(record.stored);
  return record;
}

LogWriter::LogWriter(std::string path, std::unique_ptr<fs::WritableFile> file, LogPosition end,
                     std::uint64_t first_sequence, bool compress)
    : path_(std::move(path)),
      file_(std::move(file)),
      compress_(compress),
      end_(end),
      next_sequence_(first_sequence) {}

Result<std::unique_ptr<LogWriter>> LogWriter::Create(fs::FileSystem& files,
                                                     const std::string& directory,
                                                     std::uint64_t file_number,
                                                     std::uint64_t first_sequence,
                                                     LogWriterOptions options) {
  std::string path = fs::JoinPath(directory, LogFileName(file_number));
  TS_TRY_ASSIGN(auto file, files.CreateExclusive(path));
  std::string header;
  AppendLogFileHeader({.file_number = file_number, .first_sequence = first_sequence}, header);
  TS_TRY(file->Append(header));
  if (options.sync_creation) {
    TS_TRY(file->Sync());
    TS_TRY(files.SyncDirectory(directory));
  }
  return std::unique_ptr<LogWriter>(new LogWriter(std::move(path), std::move(file),
                                                  {file_number, kLogFileHeaderBytes},
                                                  first_sequence, options.compress));
}

Result<LogPosition> LogWriter::Append(std::uint8_t kind, std::string payload) {
  TS_TRY(CheckUsable());
  TS_TRY_ASSIGN(PreparedLogRecord record, PrepareLogRecord(kind, std::move(payload), compress_));
  PreparedLogRecord* const group[] = {&record};
  TS_TRY(Append(group));
  return record.end;
}

Status LogWriter::Append(std::span<PreparedLogRecord* const> group) {
  TS_TRY(CheckUsable());
  LogPosition at = end_;
  buffer_.clear();
  for (PreparedLogRecord* record : group) {
    if (!buffer_.empty() && buffer_.size() + record->stored.size() > kWriteBytes) {
      if (auto status = file_->Append(buffer_); !status.has_value()) return Fail(status.error());
      buffer_.clear();
    }
    record->sequence = next_sequence_++;
    record->header.sequence = record->sequence;
    record->begin = at;
    AppendLogRecordHeader(record->header, at, buffer_);
    if (record->stored.size() <= kWriteBytes) {
      buffer_.append(record->stored);
    } else {
      if (auto status = file_->Append(buffer_); !status.has_value()) return Fail(status.error());
      buffer_.clear();
      if (auto status = file_->Append(record->stored); !status.has_value()) {
        return Fail(status.error());
      }
    }
    at.offset += kLogRecordHeaderBytes + record->stored.size();
    record->end = at;
  }
  if (!buffer_.empty()) {
    if (auto status = file_->Append(buffer_); !status.has_value()) return Fail(status.error());
  }
  end_ = at;
  return {};
}

Status LogWriter::Sync() {
  TS_TRY(CheckUsable());
  if (auto status = file_->Sync(); !status.has_value()) return Fail(status.error());
  return {};
}

Status LogWriter::Close() { return file_->Close(); }

Status LogWriter::CheckUsable() const {
  const std::lock_guard lock(failure_mutex_);
  if (!failure_) return {};
  return Error(ErrorCode::kIo,
               path_ + " is not appended to after an earlier failure: " + failure_->message());
}

Status LogWriter::Fail(Error error) {
  const std::lock_guard lock(failure_mutex_);
  failure_ = error;
  return error;
}

}  // namespace tracestore::store
