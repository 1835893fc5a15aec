#include "store/verify/log_verifier.h"

#include <optional>
#include <utility>

#include "base/try.h"
#include "store/engine/batch_codec.h"
#include "store/log/log_reader.h"

namespace tracestore::store {
namespace {

class LogChecker {
 public:
  LogChecker(fs::FileSystem& files, const std::string& directory, std::uint64_t number,
             bool growing, VerifyRun& run)
      : files_(files), directory_(directory), number_(number), growing_(growing), run_(run),
        path_(fs::JoinPath(directory, LogFileName(number))) {}

  Status Check() {
    auto opened = files_.OpenForRead(path_);
    if (!opened.has_value()) {
      run_.Say(path_, 0, "file", opened.error());
      return {};
    }
    file_ = std::move(*opened);
    ++run_.counters().files;
    ++run_.counters().logs;
    CheckHeader();
    auto reader = LogReader::Open(files_, directory_, number_);
    if (!reader.has_value()) {
      run_.Say(path_, 0, "file", reader.error());
      return {};
    }
    return CheckRecords(**reader);
  }

 private:
  // At most `size` bytes from `offset` on.
  std::string Bytes(std::uint64_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    const auto got = file_->ReadAt(offset, bytes.data(), size);
    bytes.resize(got.has_value() ? *got : 0);
    return bytes;
  }

  void CheckHeader() {
    const std::string bytes = Bytes(0, kLogFileHeaderBytes);
    if (bytes.size() < kLogFileHeaderBytes) {
      if (!growing_) run_.LeftOver(path_, 0, "header", "the file ends within its header");
      return;
    }
    const auto header = ParseLogFileHeader(bytes);
    if (!header) {
      run_.Damage(path_, 0, "header", "magic or checksum mismatch");
      return;
    }
    if (header->file_number != number_) {
      run_.Damage(path_, 12, "header",
                  "it is of log " + std::to_string(header->file_number) + ", not of this name");
    }
    next_sequence_ = header->first_sequence;
  }

  Status CheckRecords(LogReader& reader) {
    LogRecord record;
    std::uint64_t end = kLogFileHeaderBytes;  // of the last record
    while (true) {
      const auto step = reader.ReadNext(&record);
      if (!step.has_value()) {
        run_.Say(path_, end, "record", step.error());
        return {};
      }
      const bool is_record = *step == LogReader::Step::kRecord;
      const std::uint64_t at = is_record ? record.begin.offset : reader.position().offset;
      if (at > end) {
        run_.Damage(path_, end, "record",
                    std::to_string(at - end) + " bytes are no valid record and were passed over");
        next_sequence_.reset();
      }
      if (!is_record) {
        if (*step == LogReader::Step::kIncomplete) CheckTail(reader);
        return {};
      }
      CheckRecord(record);
      TS_TRY(run_.Advance(path_, record.end.offset - end));
      end = record.end.offset;
    }
  }

  void CheckRecord(const LogRecord& record) {
    ++run_.counters().records;
    if (next_sequence_.value_or(record.sequence) != record.sequence) {
      run_.Damage(path_, record.begin.offset, "record",
                  "it has number " + std::to_string(record.sequence) + " where " +
                      std::to_string(*next_sequence_) + " was due");
    }
    next_sequence_ = record.sequence + 1;
    if (record.kind != kBatchRecordKind) {
      run_.Say(path_, record.begin.offset, "record",
               Error(ErrorCode::kUnsupported, "it is of kind " + std::to_string(record.kind) +
                                                  ": use a newer tracestore"));
      return;
    }
    const auto batch = DecodeBatch(record.payload);
    if (batch.has_value()) {
      run_.counters().spans += batch->size();
    } else {
      run_.Say(path_, record.begin.offset, "record", batch.error());
    }
  }

  void CheckTail(LogReader& reader) {
    const std::uint64_t at = reader.position().offset;
    if (growing_ || at < kLogFileHeaderBytes) return;  // within the header: that was said
    const std::string said =
        std::to_string(reader.tail_bytes()) + " bytes at its end are no whole record";
    const auto torn = reader.TailIsTorn();
    if (!torn.has_value()) {
      run_.Say(path_, at, "record", torn.error());
    } else if (*torn) {
      run_.LeftOver(path_, at, "record", said + ": writing was cut off");
    } else {
      run_.Damage(path_, at, "record", said);
    }
  }

  fs::FileSystem& files_;
  const std::string& directory_;
  const std::uint64_t number_;
  const bool growing_;
  VerifyRun& run_;
  const std::string path_;
  std::unique_ptr<fs::RandomAccessFile> file_;
  std::optional<std::uint64_t> next_sequence_;  // none: not known
};

}  // namespace

Status VerifyLog(fs::FileSystem& files, const std::string& directory, std::uint64_t file_number,
                 bool growing, VerifyRun& run) {
  return LogChecker(files, directory, file_number, growing, run).Check();
}

}  // namespace tracestore::store
