// LogFollower: the head as a process sees it that doesn't append: read from the log, record by
// record, as the log grows.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fs/file_system.h"
#include "store/engine/head.h"
#include "store/log/log_reader.h"

namespace tracestore::store {

// One thread at a time.
class LogFollower {
 public:
  LogFollower(fs::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  // From now on without the rows that these tombstones hide.
  void Hide(const std::shared_ptr<const TombstoneSet>& tombstones);

  // Reads on in every log from number `first` up. Errors: kNotFound where one of them was retired
  // meanwhile: the catalog must be read again; kCorruption where a record is damaged; kIo.
  Status Refresh(std::uint64_t first);

  // The batches of all logs followed, in order.
  std::vector<std::shared_ptr<const HeadBatch>> batches() const;
  std::uint64_t log_bytes() const noexcept { return log_bytes_; }
  // The highest log number seen; 0 when there is none.
  std::uint64_t last_log() const noexcept { return logs_.empty() ? 0 : logs_.rbegin()->first; }
  // Of damage that was passed over; a torn end counts where its log is followed by another.
  std::uint64_t damaged_places() const;
  // Heads by log number.
  struct FollowedLog {
    std::unique_ptr<LogReader> reader;
    std::shared_ptr<Head> head = std::make_shared<Head>();
    std::uint64_t bad_batch_at = 0;  // a record whose payload is no batch
    std::uint64_t tail_bytes = 0;
  };
  const std::map<std::uint64_t, FollowedLog>& logs() const noexcept { return logs_; }

 private:
  static Error Damaged(const FollowedLog& log, std::uint64_t at);
  Status ReadOn(FollowedLog& log);

  fs::FileSystem& files_;
  const std::string directory_;
  std::map<std::uint64_t, FollowedLog> logs_;
  std::uint64_t log_bytes_ = 0;
  std::shared_ptr<const TombstoneSet> hidden_ = std::make_shared<TombstoneSet>();
};

}  // namespace tracestore::store
