// Bytes: docs/format/wal.md.
#include "store/log/log_reader.h"

#include <lz4.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.h"
#include "base/try.h"

namespace tracestore::store {
namespace {

// One read of several usual records.
constexpr std::size_t kWindowBytes = std::size_t{256} << 10;
// Of larger records this much stays for the next one, so that it needn't come fresh from the
// kernel.
constexpr std::size_t kMostKeptBytes = std::size_t{1} << 20;

}  // namespace

LogReader::LogReader(std::string path, std::unique_ptr<fs::RandomAccessFile> file,
                     std::uint64_t file_number, std::uint64_t from)
    : path_(std::move(path)), file_(std::move(file)), file_number_(file_number), from_(from) {}

Result<std::unique_ptr<LogReader>> LogReader::Open(fs::FileSystem& files,
                                                   const std::string& directory,
                                                   std::uint64_t file_number, std::uint64_t from) {
  std::string path = fs::JoinPath(directory, LogFileName(file_number));
  TS_TRY_ASSIGN(auto file, files.OpenForRead(path));
  return std::unique_ptr<LogReader>(
      new LogReader(std::move(path), std::move(file), file_number, from));
}

Result<LogReader::Step> LogReader::ReadNext(LogRecord* record) {
  tail_bytes_ = 0;
  if (position_ == 0) {
    TS_TRY_ASSIGN(const bool whole, ReadFileHeader());
    if (!whole) return Stop();
  }
  for (;;) {
    TS_TRY_ASSIGN(const bool has_header, Reaches(position_ + kLogRecordHeaderBytes));
    if (!has_header) return Stop();
    TS_TRY_ASSIGN(const auto bytes, Fetch(position_, kLogRecordHeaderBytes));
    const auto header = ParseLogRecordHeader(bytes, position());
    if (!header) {
      TS_TRY_ASSIGN(const auto next, FindHeader(std::max(position_ + 1, searched_to_)));
      if (next == 0) return Stop();
      Skip(next);
      continue;
    }
    const std::uint64_t end = position_ + kLogRecordHeaderBytes + header->stored_bytes;
    TS_TRY_ASSIGN(const bool has_payload, Reaches(end));
    if (!has_payload) return Stop();
    TS_TRY_ASSIGN(const bool good, ReadPayload(*header, record));
    if (good) {
      position_ = end;
      ++stats_.records;
      return Step::kRecord;
    }
    // The last record of the file may be on its way to it still.
    TS_TRY_ASSIGN(const bool something_follows, Reaches(end + 1));
    if (!something_follows) return Stop();
    Skip(end);
  }
}

Result<bool> LogReader::Reaches(std::uint64_t end) {
  if (end <= size_) return true;
  TS_TRY_ASSIGN(const std::uint64_t size, file_->Size());
  if (size < size_) {
    return Error(ErrorCode::kCorruption, path_ + " became shorter while it was read: " +
                                             std::to_string(size_) + " bytes before, " +
                                             std::to_string(size) + " now");
  }
  size_ = size;
  return end <= size_;
}

Result<std::string_view> LogReader::Fetch(std::uint64_t offset, std::size_t size) {
  if (offset < window_begin_ || offset + size > window_begin_ + window_.size()) {
    const std::uint64_t most = std::max<std::uint64_t>(size, kWindowBytes);
    if (window_.capacity() > kMostKeptBytes && most <= kWindowBytes) std::string().swap(window_);
    const auto bytes = static_cast<std::size_t>(std::min(most, size_ - offset));
    if (bytes > window_.capacity()) window_.clear();  // nothing of it is to be copied
    window_.resize(bytes);
    window_begin_ = offset;
    auto got = file_->ReadAt(offset, window_.data(), window_.size());
    if (!got.has_value()) {
      window_.clear();
      return std::move(got).error();
    }
    window_.resize(*got);
    if (*got < size) {
      return Error(ErrorCode::kCorruption,
                   path_ + " became shorter while it was read: it ends at " +
                       std::to_string(offset + *got) + " now");
    }
  }
  return std::string_view(window_).substr(static_cast<std::size_t>(offset - window_begin_));
}

Result<bool> LogReader::ReadFileHeader() {
  TS_TRY_ASSIGN(const bool whole, Reaches(kLogFileHeaderBytes));
  if (!whole) return false;
  TS_TRY_ASSIGN(const auto bytes, Fetch(0, kLogFileHeaderBytes));
  const auto header = ParseLogFileHeader(bytes.substr(0, kLogFileHeaderBytes));
  if (header && header->version > kLogVersion) {
    return Error(ErrorCode::kUnsupported,
                 path_ + " has log format version " + std::to_string(header->version) +
                     "; this build reads up to version " + std::to_string(kLogVersion));
  }
  // Records carry their own checksums and name the file by its number, so a damaged header costs
  // itself only.
  if (!header || header->version == 0 || header->file_number != file_number_) {
    ++stats_.damaged_places;
    stats_.damaged_bytes += kLogFileHeaderBytes;
  }
  position_ = std::max<std::uint64_t>(kLogFileHeaderBytes, from_);
  return true;
}

Result<bool> LogReader::ReadPayload(const LogRecordHeader& header, LogRecord* record) {
  TS_TRY_ASSIGN(const auto bytes,
                Fetch(position_, kLogRecordHeaderBytes + std::size_t{header.stored_bytes}));
  const std::string_view stored = bytes.substr(kLogRecordHeaderBytes, header.stored_bytes);
  if (base::Checksum32(stored) != header.payload_checksum) return false;
  record->payload = stored;
  if (header.compression == LogCompression::kLz4) {
    if (header.raw_bytes > raw_.capacity()) raw_.clear();
    raw_.resize(header.raw_bytes);
    const int got =
        LZ4_decompress_safe(stored.data(), raw_.data(), static_cast<int>(stored.size()),
                            static_cast<int>(raw_.size()));
    if (got < 0 || static_cast<std::uint32_t>(got) != header.raw_bytes) return false;
    record->payload = raw_;
  }
  record->kind = header.kind;
  record->sequence = header.sequence;
  record->begin = position();
  record->end = {file_number_,
                 position_ + kLogRecordHeaderBytes + std::uint64_t{header.stored_bytes}};
  return true;
}

Result<std::uint64_t> LogReader::FindHeader(std::uint64_t begin) {
  for (std::uint64_t at = begin;;) {
    TS_TRY_ASSIGN(const bool has_header, Reaches(at + kLogRecordHeaderBytes));
    if (!has_header) {
      searched_to_ = at;
      return std::uint64_t{0};
    }
    TS_TRY_ASSIGN(const auto bytes, Fetch(at, kLogRecordHeaderBytes));
    // Places in this window at which a whole header may begin.
    const std::size_t places = bytes.size() - kLogRecordHeaderBytes + 1;
    std::size_t place = 0;
    while (place < places) {
      const void* found = std::memchr(bytes.data() + place, kLogMarkerFirstByte, places - place);
      if (found == nullptr) break;
      place = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
      if (ParseLogRecordHeader(bytes.substr(place, kLogRecordHeaderBytes),
                               {file_number_, at + place})) {
        return at + place;
      }
      ++place;
    }
    at += places;
  }
}

Result<bool> LogReader::TailIsTorn() {
  const std::uint64_t end = position_ + tail_bytes_;
  if (position_ < kLogFileHeaderBytes || tail_bytes_ == 0) return true;
  const auto head_bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(tail_bytes_, kLogRecordHeaderBytes));
  TS_TRY_ASSIGN(const auto fetched, Fetch(position_, head_bytes));
  const std::string head(fetched.substr(0, head_bytes));
  if (head_bytes == kLogRecordHeaderBytes) {
    const auto header = ParseLogRecordHeader(head, position());
    if (header) return kLogRecordHeaderBytes + std::uint64_t{header->stored_bytes} > tail_bytes_;
  } else {
    std::string record;
    AppendLogRecordHeader({}, {}, record);
    const std::size_t marker = std::min<std::size_t>(head_bytes, 4);
    if (head.compare(0, marker, record, 0, marker) == 0) return true;
  }
  for (std::uint64_t at = position_; at < end;) {
    const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(end - at, kWindowBytes));
    TS_TRY_ASSIGN(const auto bytes, Fetch(at, some));
    if (bytes.substr(0, some).find_first_not_of('\0') != std::string_view::npos) return false;
    at += some;
  }
  return true;
}

void LogReader::Skip(std::uint64_t to) {
  if (stats_.first_damaged_record == 0) stats_.first_damaged_record = position_;
  ++stats_.damaged_places;
  stats_.damaged_bytes += to - position_;
  position_ = to;
}

LogReader::Step LogReader::Stop() {
  // What was fetched of an unfinished record may change.
  window_.clear();
  tail_bytes_ = size_ > position_ ? size_ - position_ : 0;
  return tail_bytes_ == 0 ? Step::kEnd : Step::kIncomplete;
}

}  // namespace tracestore::store
