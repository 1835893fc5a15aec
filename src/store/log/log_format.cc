// File header, 32 bytes:   magic[8] version:u32 file_number:u64 first_sequence:u64 checksum:u32
// Record header, 32 bytes: marker[4] stored:u32 raw:u32 kind:u8 flags:u8 zero:u16 sequence:u64
//                          payload_checksum:u32 header_checksum:u32
// docs/format/wal.md says what each checksum covers.
#include "store/log/log_format.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"

namespace tracestore::store {
namespace {

constexpr std::string_view kMagic("\x89TSLOG\r\n", 8);
constexpr std::string_view kMarker("\xF5\xA7R\x1C", 4);
static_assert(kMarker.front() == kLogMarkerFirstByte);

// lz4's best case: one byte of length stands for 255 bytes (lz4 block format); 64 covers the ends.
constexpr std::uint64_t MostLz4Bytes(std::uint64_t stored) { return stored * 255 + 64; }

std::uint32_t RecordHeaderChecksum(std::string_view first_28, LogPosition at) {
  std::string covered(first_28);
  base::ByteWriter writer(covered);
  writer.U64(at.file_number);
  writer.U64(at.offset);
  return base::Checksum32(covered);
}

}  // namespace

void AppendLogFileHeader(const LogFileHeader& header, std::string& out) {
  const std::size_t begin = out.size();
  base::ByteWriter writer(out);
  writer.Raw(kMagic);
  writer.U32(header.version);
  writer.U64(header.file_number);
  writer.U64(header.first_sequence);
  writer.U32(base::Checksum32(std::string_view(out).substr(begin)));
}

void AppendLogRecordHeader(const LogRecordHeader& header, LogPosition at, std::string& out) {
  const std::size_t begin = out.size();
  base::ByteWriter writer(out);
  writer.Raw(kMarker);
  writer.U32(header.stored_bytes);
  writer.U32(header.raw_bytes);
  writer.U8(header.kind);
  writer.U8(static_cast<std::uint8_t>(header.compression));
  writer.U16(0);
  writer.U64(header.sequence);
  writer.U32(header.payload_checksum);
  writer.U32(RecordHeaderChecksum(std::string_view(out).substr(begin), at));
}

std::optional<LogFileHeader> ParseLogFileHeader(std::string_view bytes) {
  base::ByteReader reader(bytes);
  if (reader.Raw(kMagic.size()) != kMagic) return std::nullopt;
  LogFileHeader header;
  header.version = reader.U32();
  header.file_number = reader.U64();
  header.first_sequence = reader.U64();
  const std::uint32_t expected = base::Checksum32(bytes.substr(0, reader.offset()));
  if (reader.U32() != expected || !reader.ok()) return std::nullopt;
  return header;
}

bool BeginsWithLogMarker(std::string_view bytes) noexcept {
  return bytes.substr(0, kMarker.size()) == kMarker;
}

std::optional<LogRecordHeader> ParseLogRecordHeader(std::string_view bytes, LogPosition at) {
  if (!BeginsWithLogMarker(bytes)) return std::nullopt;
  base::ByteReader reader(bytes.substr(kMarker.size()));
  LogRecordHeader header;
  header.stored_bytes = reader.U32();
  header.raw_bytes = reader.U32();
  header.kind = reader.U8();
  const std::uint8_t flags = reader.U8();
  const std::uint16_t zero = reader.U16();
  header.sequence = reader.U64();
  header.payload_checksum = reader.U32();
  const std::uint32_t checksum = reader.U32();
  if (!reader.ok()) return std::nullopt;
  if (checksum != RecordHeaderChecksum(bytes.substr(0, kLogRecordHeaderBytes - 4), at)) {
    return std::nullopt;
  }
  if (header.raw_bytes > kMostLogPayloadBytes || zero != 0) return std::nullopt;
  header.compression = static_cast<LogCompression>(flags);
  switch (header.compression) {
    case LogCompression::kNone:
      if (header.stored_bytes != header.raw_bytes) return std::nullopt;
      return header;
    case LogCompression::kLz4:
      if (header.stored_bytes >= header.raw_bytes) return std::nullopt;
      if (header.raw_bytes > MostLz4Bytes(header.stored_bytes)) return std::nullopt;
      return header;
  }
  return std::nullopt;  // flags of no version this code knows
}

std::string LogFileName(std::uint64_t file_number) {
  std::string digits = std::to_string(file_number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return digits + ".log";
}

std::optional<std::uint64_t> ParseLogFileName(std::string_view name) {
  std::uint64_t number = 0;
  const auto [rest, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (failure != std::errc{} || number == 0) return std::nullopt;
  if (name != LogFileName(number)) return std::nullopt;
  return number;
}

Result<std::vector<std::uint64_t>> ListLogs(fs::FileSystem& files, const std::string& directory) {
  TS_TRY_ASSIGN(const auto entries, files.List(directory));
  std::vector<std::uint64_t> numbers;
  for (const fs::DirectoryEntry& entry : entries) {
    const auto number = ParseLogFileName(entry.name);
    if (number && !entry.is_directory) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Status RemoveLogsBefore(fs::FileSystem& files, const std::string& directory,
                        std::uint64_t file_number) {
  TS_TRY_ASSIGN(const auto numbers, ListLogs(files, directory));
  bool removed = false;
  for (const std::uint64_t number : numbers) {
    if (number >= file_number) break;
    const Status status = files.Unlink(fs::JoinPath(directory, LogFileName(number)));
    if (!status.has_value() && status.error().code() != ErrorCode::kNotFound) return status;
    removed = true;
  }
  return removed ? files.SyncDirectory(directory) : Status();
}

}  // namespace tracestore::store
