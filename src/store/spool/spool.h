// Spool: a bounded queue of byte strings on disk, first in first out, for what must wait for
// somebody else (a collector that is away) and may not be lost meanwhile. It is made of the
// write-ahead log's files (docs/format/spool.md).
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tracestore::fs {
class FileSystem;
class FileLock;
}  // namespace tracestore::fs

namespace tracestore::store {

class LogReader;
class LogWriter;

struct SpoolOptions {
  // Of all files; a payload beyond it is refused with kBusy. Bytes, at least 1 MiB.
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  // A file that has so many bytes is finished and the next begun; it goes when all in it is done.
  // Bytes; at most a quarter of max_bytes is used.
  std::uint64_t file_bytes = std::uint64_t{16} << 20;
  // Each payload is on the medium before Append returns: survives a power cut. Else with the
  // kernel: survives a killed process.
  bool sync = false;
};

struct SpoolEntry {
  std::uint64_t id = 0;  // rises; unique in this directory
  std::string payload;
};

struct SpoolStats {
  std::uint64_t waiting = 0;         // payloads that aren't done, those given out included
  std::uint64_t bytes = 0;           // of the files
  std::uint64_t found = 0;           // payloads that were waiting when it was opened
  std::uint64_t damaged_places = 0;  // in files of earlier runs: their payloads are lost
};

// Threads: every method from any.
class Spool {
 public:
  // Makes `directory` where it is missing, takes its lock, and finds what waits there. `files` must
  // outlive the spool. Reads all of it once. Errors: kBusy, "spool … is open for writing by PID …";
  // kIo; kUnsupported (files of a newer version).
  static Result<std::unique_ptr<Spool>> Open(fs::FileSystem& files, const std::string& directory,
                                             const SpoolOptions& options = {});
  // The same on the machine's own disk.
  static Result<std::unique_ptr<Spool>> Open(const std::string& directory,
                                             const SpoolOptions& options = {});
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // When it returns the payload is kept, as SpoolOptions::sync says. Errors: kBusy (full), kIo (an
  // unknown part may be in the file: it may be given out all the same), kInvalidArgument (more than
  // 64 MiB).
  Status Append(std::string payload);

  // The oldest payload that wasn't given out by this object; nullopt if there is none now.
  Result<std::optional<SpoolEntry>> Next();

  // They need not be kept any longer. What is done when the process is killed is not given out
  // again; what was given out and isn't done, is.
  Status Done(std::span<const std::uint64_t> ids);

  SpoolStats stats() const;

 private:
  struct File {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint64_t waiting = 0;
    std::set<std::uint64_t> done;  // ids that are not to be given out, or not again
  };

  Spool(fs::FileSystem& files, std::string directory, const SpoolOptions& options);
  Status Recover();
  Status RecoverFile(std::uint64_t number, const std::set<std::uint64_t>& done);
  Result<std::set<std::uint64_t>> ReadDone(const std::vector<std::uint64_t>& numbers);
  Status OpenWriter();
  Status RewriteDone();
  Status WriteDone(const std::vector<std::uint64_t>& ids);
  Status RemoveFinished();
  File* FileOf(std::uint64_t id);
  bool Reading() const;
  std::string DoneDirectory() const;

  fs::FileSystem& files_;
  const std::string directory_;
  const SpoolOptions options_;
  const std::uint64_t file_bytes_;
  std::unique_ptr<fs::FileLock> lock_;

  mutable std::mutex mutex_;  // guards all below
  std::deque<File> open_;     // by number; the last is written to while writer_ is set
  std::unique_ptr<LogWriter> writer_;
  std::uint64_t next_number_ = 1;
  std::unique_ptr<LogWriter> done_writer_;
  std::uint64_t next_done_number_ = 1;
  std::unique_ptr<LogReader> reader_;
  std::uint64_t reading_ = 0;  // the number of the file that reader_ reads, or is to read next
  std::uint64_t bytes_ = 0;
  SpoolStats stats_;
};

}  // namespace tracestore::store
