// The operating system's files. Stateless: one object, shared by all.
#pragma once
#include "fs/file_system.h"

namespace tracestore::fs {

// Every descriptor is O_CLOEXEC; files are made with mode 0644 and directories with 0755, less the
// umask. The lock is an open-file-description lock (fcntl F_OFD_SETLK): it conflicts between two
// opens of one process as well, and a forked child closes its copy right in fork().
class PosixFileSystem final : public FileSystem {
 public:
  // Lives as long as the process.
  static PosixFileSystem& Shared();

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
};

}  // namespace tracestore::fs
