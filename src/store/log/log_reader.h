// LogReader: reads one file of the write-ahead log, also while it grows (docs/format/wal.md).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/log/log_format.h"

namespace tracestore::store {

struct LogRecord {
  std::uint8_t kind = 0;
  std::uint64_t sequence = 0;
  LogPosition begin;         // of its header
  LogPosition end;           // of the byte after it
  std::string_view payload;  // decompressed; until the next ReadNext
};

struct LogReadStats {
  std::uint64_t records = 0;         // whole records returned
  std::uint64_t damaged_places = 0;  // runs of bytes passed over because no valid record was there
  std::uint64_t damaged_bytes = 0;   // their bytes
  // Where the first of them begins, a file header not counted; 0 when there is none.
  std::uint64_t first_damaged_record = 0;
};

// One thread at a time. Memory: a window of 256 KiB, or one record and its decompressed payload.
class LogReader {
 public:
  enum class Step : std::uint8_t {
    kRecord,  // *record is set
    kEnd,     // every byte of the file was read; more may come later when it is still written
    // The bytes after position() (tail_bytes() of them) are not a whole valid record and none
    // follows. In a file still being written: ask again later. In a finished one: a torn tail.
    kIncomplete,
  };

  // Opens `directory`/<file_number>.log. `from`: an offset that an earlier reader's position()
  // gave, or 0 for the beginning. `files` must outlive the reader. kNotFound, kIo.
  static Result<std::unique_ptr<LogReader>> Open(fs::FileSystem& files,
                                                 const std::string& directory,
                                                 std::uint64_t file_number,
                                                 std::uint64_t from = 0);

  // The next whole record. Damage is no error: it is passed over and counted. Errors: kIo;
  // kUnsupported when the file is of a newer version; kCorruption when it became shorter.
  // After an error the same call may be made again.
  Result<Step> ReadNext(LogRecord* record);

  // Where the next record is looked for.
  LogPosition position() const noexcept { return {file_number_, position_}; }
  // Bytes after position() when ReadNext last gave kIncomplete, else 0.
  std::uint64_t tail_bytes() const noexcept { return tail_bytes_; }
  // Whether those bytes are what a writer leaves that was stopped: the beginning of a record, or
  // zeros (after a power cut). Else they were whole once and are damaged. Errors: kIo.
  Result<bool> TailIsTorn();
  const LogReadStats& stats() const noexcept { return stats_; }
  const std::string& path() const noexcept { return path_; }

 private:
  LogReader(std::string path, std::unique_ptr<fs::RandomAccessFile> file,
            std::uint64_t file_number, std::uint64_t from);

  // Whether the file has `end` bytes by now.
  Result<bool> Reaches(std::uint64_t end);
  // Bytes [offset, offset + size), which the file must have; at least that many, as many as the
  // window holds. Valid until the next Fetch.
  Result<std::string_view> Fetch(std::uint64_t offset, std::size_t size);
  Result<bool> ReadFileHeader();  // false: not whole yet
  Result<bool> ReadPayload(const LogRecordHeader& header, LogRecord* record);  // false: damaged
  // The next valid record header at or after `begin`; 0 when there is none so far.
  Result<std::uint64_t> FindHeader(std::uint64_t begin);
  void Skip(std::uint64_t to);
  Step Stop();

  const std::string path_;
  const std::unique_ptr<fs::RandomAccessFile> file_;
  const std::uint64_t file_number_;
  const std::uint64_t from_;
  std::uint64_t position_ = 0;
  std::uint64_t size_ = 0;        // of the file, as last seen
  std::uint64_t searched_to_ = 0; // no valid header begins in [position_, searched_to_)
  std::uint64_t tail_bytes_ = 0;
  std::string window_;
  std::uint64_t window_begin_ = 0;
  std::string raw_;  // the decompressed payload
  LogReadStats stats_;
};

}  // namespace tracestore::store
