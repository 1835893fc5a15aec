// A file system in memory, for tests and for stores that need not outlive the process.
//
// It keeps apart what was synced and what was not, so that DropUnsynced() gives what a disk may
// hold after a power cut: a file's bytes up to its last Sync, and a directory's names as of its
// last SyncDirectory.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "fs/file_system.h"

namespace tracestore::fs {

class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  // A power cut. Handles and locks from before it fail with EIO from now on. Without a seed all
  // that was not synced is lost; with one, a part chosen by it survives: a prefix of each file's
  // unsynced bytes, and some of the unsynced names and removals.
  void DropUnsynced(std::optional<std::uint64_t> seed = std::nullopt);

  // Replaces or damages a file's bytes in place, as a bad disk would. kNotFound.
  Status Overwrite(const std::string& path, std::string bytes);

  Status CreateDirectories(const std::string& path) override;
  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> CreateExclusive(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Unlink(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& path) override;
  Result<std::uint64_t> FileSize(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> LockExclusive(const std::string& path,
                                                  const std::string& subject) override;
  Result<std::optional<LockHolder>> LockedBy(const std::string& path) override;

 private:
  struct Node;
  struct Disk;
  class Reader;
  class Writer;
  class Lock;
  struct Place;

  const std::shared_ptr<Disk> disk_;  // shared with the handles, which may outlive this object
};

}  // namespace tracestore::fs
