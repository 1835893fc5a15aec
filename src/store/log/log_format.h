// The write-ahead log's bytes and names (docs/format/wal.md, version 1). Private to store.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "fs/file_system.h"

namespace tracestore::store {

// A place in the log: ordered as it was written, since file numbers rise and are never reused.
struct LogPosition {
  std::uint64_t file_number = 0;  // 1 is the first log of a store; 0 is before everything
  std::uint64_t offset = 0;       // bytes from the beginning of that file

  constexpr auto operator<=>(const LogPosition&) const noexcept = default;
};

inline constexpr std::uint32_t kLogVersion = 1;
inline constexpr std::size_t kLogFileHeaderBytes = 32;
inline constexpr std::size_t kLogRecordHeaderBytes = 32;
// One record is one batch; the pipeline's batches are bounded far below it.
inline constexpr std::size_t kMostLogPayloadBytes = std::size_t{64} << 20;

struct LogFileHeader {
  std::uint32_t version = kLogVersion;
  std::uint64_t file_number = 0;
  std::uint64_t first_sequence = 0;  // the sequence number of this file's first record
};

enum class LogCompression : std::uint8_t { kNone = 0, kLz4 = 1 };

struct LogRecordHeader {
  std::uint32_t stored_bytes = 0;  // payload as it stands in the file
  std::uint32_t raw_bytes = 0;     // payload after decompression
  std::uint8_t kind = 0;           // the store's; the log passes it on
  LogCompression compression = LogCompression::kNone;
  std::uint64_t sequence = 0;
  std::uint32_t payload_checksum = 0;  // of the stored bytes
};

// Both append exactly 32 bytes. A record's header is bound to its place by its checksum, so bytes
// copied from elsewhere never pass for one.
void AppendLogFileHeader(const LogFileHeader& header, std::string& out);
void AppendLogRecordHeader(const LogRecordHeader& header, LogPosition at, std::string& out);

// `bytes` holds at least 32. nullopt when magic or checksum don't hold. Any version is returned:
// the reader judges it.
std::optional<LogFileHeader> ParseLogFileHeader(std::string_view bytes);
// nullopt also when a length breaks the limits: nothing needs to be allocated to know.
std::optional<LogRecordHeader> ParseLogRecordHeader(std::string_view bytes, LogPosition at);

// The first byte of every record header, and whether `bytes` (at least 4) begin as one.
inline constexpr char kLogMarkerFirstByte = '\xF5';
bool BeginsWithLogMarker(std::string_view bytes) noexcept;

// 7 → "000007.log"; numbers of more than six digits keep them all.
std::string LogFileName(std::uint64_t file_number);
// nullopt for any name that LogFileName doesn't give.
std::optional<std::uint64_t> ParseLogFileName(std::string_view name);

// The numbers of the logs in `directory`, ascending; other names are passed over.
Result<std::vector<std::uint64_t>> ListLogs(fs::FileSystem& files, const std::string& directory);

// Unlinks every log with a number below `file_number` and syncs the directory when there was one.
// To be called only after the catalog commit that retired them.
Status RemoveLogsBefore(fs::FileSystem& files, const std::string& directory,
                        std::uint64_t file_number);

}  // namespace tracestore::store
