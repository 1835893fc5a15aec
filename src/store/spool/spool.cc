// Files and records: docs/format/spool.md.
#include "store/spool/spool.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/try.h"
#include "fs/file_system.h"
#include "fs/posix_file_system.h"
#include "store/log/log_reader.h"
#include "store/log/log_writer.h"

namespace tracestore::store {
namespace {

constexpr std::uint8_t kPayloadKind = 16;
constexpr std::uint8_t kDoneKind = 17;

// A payload's id is its record's sequence: the file's number above, its place in the file below.
constexpr unsigned kNumberShift = 32;

// Then what is done is written anew: 4 MiB are some 100,000 single ids.
constexpr std::uint64_t kMostDoneBytes = std::uint64_t{4} << 20;

std::uint64_t NumberOf(std::uint64_t id) { return id >> kNumberShift; }

}  // namespace

Spool::Spool(fs::FileSystem& files, std::string directory, const SpoolOptions& options)
    : files_(files),
      directory_(std::move(directory)),
      options_(options),
      file_bytes_(std::min(options.file_bytes, options.max_bytes / 4)) {}

Spool::~Spool() = default;

Result<std::unique_ptr<Spool>> Spool::Open(fs::FileSystem& files, const std::string& directory,
                                           const SpoolOptions& options) {
  if (options.max_bytes < (1U << 20))
    return Error(ErrorCode::kInvalidArgument,
                 "a spool has at least 1 MiB, not " + std::to_string(options.max_bytes) + " bytes");
  TS_TRY(files.CreateDirectories(directory));
  std::unique_ptr<Spool> spool(new Spool(files, directory, options));
  TS_TRY(files.CreateDirectories(spool->DoneDirectory()));
  TS_TRY_ASSIGN(spool->lock_,
                files.LockExclusive(fs::JoinPath(directory, "lock"), "spool " + directory));
  TS_TRY(spool->Recover());
  return spool;
}

Result<std::unique_ptr<Spool>> Spool::Open(const std::string& directory,
                                           const SpoolOptions& options) {
  static fs::PosixFileSystem disk;
  return Open(disk, directory, options);
}

std::string Spool::DoneDirectory() const { return fs::JoinPath(directory_, "done"); }

Status Spool::Recover() {
  TS_TRY_ASSIGN(const auto numbers, ListLogs(files_, directory_));
  TS_TRY_ASSIGN(const auto done_numbers, ListLogs(files_, DoneDirectory()));
  TS_TRY_ASSIGN(const auto done, ReadDone(done_numbers));
  if (!done_numbers.empty()) next_done_number_ = done_numbers.back() + 1;
  for (const std::uint64_t number : numbers) TS_TRY(RecoverFile(number, done));
  // Numbers rise for good, so that an id that is done is never that of another payload.
  if (!numbers.empty()) next_number_ = numbers.back() + 1;
  if (!done.empty()) next_number_ = std::max(next_number_, NumberOf(*done.rbegin()) + 1);
  stats_.found = stats_.waiting;
  reading_ = open_.empty() ? next_number_ : open_.front().number;
  TS_TRY(RemoveFinished());
  return RewriteDone();
}

Status Spool::RecoverFile(std::uint64_t number, const std::set<std::uint64_t>& done) {
  File file;
  file.number = number;
  file.done.insert(done.lower_bound(number << kNumberShift),
                   done.lower_bound((number + 1) << kNumberShift));
  TS_TRY_ASSIGN(file.bytes, files_.FileSize(fs::JoinPath(directory_, LogFileName(number))));
  TS_TRY_ASSIGN(const auto reader, LogReader::Open(files_, directory_, number));
  for (;;) {
    LogRecord record;
    TS_TRY_ASSIGN(const auto step, reader->ReadNext(&record));
    if (step != LogReader::Step::kRecord) break;
    if (record.kind == kPayloadKind && !file.done.contains(record.sequence)) ++file.waiting;
  }
  stats_.damaged_places += reader->stats().damaged_places;
  stats_.waiting += file.waiting;
  bytes_ += file.bytes;
  open_.push_back(std::move(file));
  return {};
}

Result<std::set<std::uint64_t>> Spool::ReadDone(const std::vector<std::uint64_t>& numbers) {
  std::set<std::uint64_t> done;
  for (const std::uint64_t number : numbers) {
    TS_TRY_ASSIGN(const auto reader, LogReader::Open(files_, DoneDirectory(), number));
    for (;;) {
      LogRecord record;
      TS_TRY_ASSIGN(const auto step, reader->ReadNext(&record));
      if (step != LogReader::Step::kRecord) break;
      base::ByteReader ids(record.payload);
      while (record.kind == kDoneKind && ids.remaining() >= sizeof(std::uint64_t))
        done.insert(ids.U64());
    }
  }
  return done;
}

// A new file with what is done of the files that stand; then the ones before go.
Status Spool::RewriteDone() {
  const std::uint64_t number = next_done_number_++;
  LogWriterOptions options;
  options.sync_creation = options_.sync;
  done_writer_.reset();
  TS_TRY_ASSIGN(done_writer_, LogWriter::Create(files_, DoneDirectory(), number, 0, options));
  for (const File& file : open_)
    TS_TRY(WriteDone(std::vector<std::uint64_t>(file.done.begin(), file.done.end())));
  if (options_.sync) TS_TRY(done_writer_->Sync());
  return RemoveLogsBefore(files_, DoneDirectory(), number);
}

Status Spool::WriteDone(const std::vector<std::uint64_t>& ids) {
  constexpr std::size_t kMostInARecord = std::size_t{1} << 20;  // 8 MiB
  for (std::size_t begin = 0; begin < ids.size(); begin += kMostInARecord) {
    std::string payload;
    base::ByteWriter writer(payload);
    const std::size_t end = std::min(ids.size(), begin + kMostInARecord);
    for (std::size_t i = begin; i < end; ++i) writer.U64(ids[i]);
    TS_TRY(done_writer_->Append(kDoneKind, std::move(payload)));
  }
  return {};
}

Status Spool::OpenWriter() {
  const std::uint64_t number = next_number_++;
  LogWriterOptions options;
  options.sync_creation = options_.sync;
  auto writer = LogWriter::Create(files_, directory_, number, number << kNumberShift, options);
  if (!writer.has_value()) return std::move(writer).error();
  writer_ = std::move(*writer);
  File file;
  file.number = number;
  file.bytes = writer_->end().offset;
  bytes_ += file.bytes;
  open_.push_back(std::move(file));
  return {};
}

Status Spool::Append(std::string payload) {
  // Compressing needs no lock, and is the costly part.
  TS_TRY_ASSIGN(PreparedLogRecord record, PrepareLogRecord(kPayloadKind, std::move(payload), true));
  const std::lock_guard lock(mutex_);
  if (bytes_ + kLogRecordHeaderBytes + record.stored.size() > options_.max_bytes)
    return Error(ErrorCode::kBusy, "spool " + directory_ + " is full: " + std::to_string(bytes_) +
                                       " of " + std::to_string(options_.max_bytes) + " bytes");
  if (writer_ != nullptr && writer_->end().offset >= file_bytes_) writer_.reset();
  if (writer_ == nullptr) TS_TRY(OpenWriter());
  PreparedLogRecord* const group[] = {&record};
  const std::uint64_t id = writer_->next_sequence();
  const std::uint64_t before = writer_->end().offset;
  Status written = writer_->Append(group);
  if (written.has_value() && options_.sync) written = writer_->Sync();
  File& file = open_.back();
  if (!written.has_value()) {
    // Nothing is ever written to this file again. What of the record is in it is not to be given
    // out: its sender is told that it isn't kept.
    file.done.insert(id);
    writer_.reset();
    return written;
  }
  file.bytes += writer_->end().offset - before;
  bytes_ += writer_->end().offset - before;
  ++file.waiting;
  ++stats_.waiting;
  return {};
}

bool Spool::Reading() const {
  return std::any_of(open_.begin(), open_.end(),
                     [this](const File& file) { return file.number >= reading_; });
}

Result<std::optional<SpoolEntry>> Spool::Next() {
  const std::lock_guard lock(mutex_);
  while (Reading()) {
    const auto file = std::find_if(open_.begin(), open_.end(),
                                   [this](const File& each) { return each.number >= reading_; });
    if (reader_ == nullptr) {
      reading_ = file->number;
      TS_TRY_ASSIGN(reader_, LogReader::Open(files_, directory_, file->number));
    }
    LogRecord record;
    TS_TRY_ASSIGN(const auto step, reader_->ReadNext(&record));
    if (step == LogReader::Step::kRecord) {
      if (record.kind != kPayloadKind || file->done.contains(record.sequence)) continue;
      return std::optional<SpoolEntry>(SpoolEntry{record.sequence, std::string(record.payload)});
    }
    const bool written_to = writer_ != nullptr && file->number == open_.back().number;
    if (written_to) return std::optional<SpoolEntry>();
    reader_.reset();
    reading_ = file->number + 1;
    TS_TRY(RemoveFinished());
  }
  return std::optional<SpoolEntry>();
}

Spool::File* Spool::FileOf(std::uint64_t id) {
  for (File& file : open_)
    if (file.number == NumberOf(id)) return &file;
  return nullptr;
}

Status Spool::Done(std::span<const std::uint64_t> ids) {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> fresh;
  for (const std::uint64_t id : ids) {
    File* const file = FileOf(id);
    if (file == nullptr || file->waiting == 0 || !file->done.insert(id).second) continue;
    --file->waiting;
    --stats_.waiting;
    fresh.push_back(id);
  }
  // Before files go: an id of a file that goes is of no use, but does no harm.
  const bool new_file = done_writer_ == nullptr || done_writer_->failed() ||
                        done_writer_->end().offset > kMostDoneBytes;
  const Status written = new_file ? RewriteDone() : WriteDone(fresh);
  TS_TRY(RemoveFinished());
  return written;
}

// Files of which all is done, but for the one that is written to and the one that is read.
Status Spool::RemoveFinished() {
  for (auto file = open_.begin(); file != open_.end();) {
    const bool written_to = writer_ != nullptr && &*file == &open_.back();
    const bool unread = file->number >= reading_ && file->waiting > 0;
    if (written_to || unread || file->waiting > 0) {
      ++file;
      continue;
    }
    if (reader_ != nullptr && file->number == reading_) {
      reader_.reset();
      reading_ = file->number + 1;
    }
    TS_TRY(files_.Unlink(fs::JoinPath(directory_, LogFileName(file->number))));
    bytes_ -= std::min(bytes_, file->bytes);
    file = open_.erase(file);
  }
  return {};
}

SpoolStats Spool::stats() const {
  const std::lock_guard lock(mutex_);
  SpoolStats out = stats_;
  out.bytes = bytes_;
  return out;
}

}  // namespace tracestore::store
