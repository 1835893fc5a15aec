// FileSystem: everything the store asks of a disk, so that tests can put memory or faults under it.
//
// Three implementations: PosixFileSystem (posix_file_system.h), MemoryFileSystem
// (memory_file_system.h; it can lose what was not synced) and FaultFileSystem
// (fault_file_system.h; it fails call n of another one).
//
// Paths are UTF-8 bytes with '/' between names. Every call may be made from any thread. Errors are
// kNotFound (ENOENT), kBusy (the lock only) and kIo; their message names the operation, the path
// and errno: "write wal/000123.log: ENOSPC (No space left on device)".
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::fs {

// A file open for reading at any offset. const methods may be called from any thread at once. The
// file stays readable when it is unlinked meanwhile.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;

  // Reads up to `size` bytes from `offset` into `out`; the number returned is smaller only where
  // the file ends. 0 at or past the end.
  virtual Result<std::size_t> ReadAt(std::uint64_t offset, char* out, std::size_t size) const = 0;

  // Bytes in the file now; grows while another handle or process appends.
  virtual Result<std::uint64_t> Size() const = 0;
};

// A file open for appending. One thread at a time, but that another may Sync beside an Append.
// Destroying it closes it without a sync.
class WritableFile {
 public:
  virtual ~WritableFile() = default;

  // Hands all bytes to the kernel. After an error an unknown part of them is in the file.
  virtual Status Append(std::string_view bytes) = 0;

  // Makes the bytes and the size durable (fdatasync). After an error the bytes appended since the
  // last good Sync may be lost although they still read back: don't append any more.
  virtual Status Sync() = 0;

  // Closes and reports what the kernel says to it. Further calls give kIo (EBADF).
  virtual Status Close() = 0;

  // Bytes in the file as this handle knows them: its size when opened plus all that was appended.
  virtual std::uint64_t size() const noexcept = 0;
};

// Who holds an exclusive lock, as written in the lock file.
struct LockHolder {
  std::int64_t pid = 0;
  std::string program;
  std::string host;
};

// An exclusive lock held; released by destroying it. A forked child doesn't inherit it.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct DirectoryEntry {
  std::string name;  // without the directory
  bool is_directory = false;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Creates `path` and what is missing above it. Success when it already stands. Each directory
  // that was made is durable in its parent when this returns.
  virtual Status CreateDirectories(const std::string& path) = 0;

  virtual Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) = 0;

  // A new, empty file; kIo (EEXIST) when the name is taken.
  virtual Result<std::unique_ptr<WritableFile>> CreateExclusive(const std::string& path) = 0;

  // Appends to a file, which is created when missing.
  virtual Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) = 0;

  // Replaces `to` if it stands. Durable after SyncDirectory of the directories of both names.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;

  // Removes a file's name; open handles go on reading it.
  virtual Status Unlink(const std::string& path) = 0;

  // Removes an empty directory.
  virtual Status RemoveDirectory(const std::string& path) = 0;

  // What stands in `path`, ordered by name, without "." and "..".
  virtual Result<std::vector<DirectoryEntry>> List(const std::string& path) = 0;

  virtual Result<std::uint64_t> FileSize(const std::string& path) = 0;

  // Whether a file or directory stands at `path`.
  virtual Result<bool> Exists(const std::string& path) = 0;

  // Makes the creations, renames and removals in this directory durable.
  virtual Status SyncDirectory(const std::string& path) = 0;

  // Takes the exclusive lock on the file `path` (created when missing) without waiting and writes
  // pid, program and host of this process into it. Where it is held already, also by this process:
  // kBusy, "<subject> is open for writing by PID <pid> (<program>) on host <host>".
  virtual Result<std::unique_ptr<FileLock>> LockExclusive(const std::string& path,
                                                          const std::string& subject) = 0;

  // Who holds the lock now; nullopt when nobody does, also when the file doesn't stand.
  virtual Result<std::optional<LockHolder>> LockedBy(const std::string& path) = 0;
};

// "a" + "b" → "a/b"; an empty directory gives the name alone.
std::string JoinPath(std::string_view directory, std::string_view name);

// The directory part: "a/b" → "a", "/a" → "/", "a" → ".". Trailing slashes don't count.
std::string ParentDirectory(std::string_view path);

// The whole file. kIo when it has more than `most_bytes`.
Result<std::string> ReadWholeFile(FileSystem& files, const std::string& path,
                                  std::uint64_t most_bytes);

// Puts a file of these bytes in the place of `path`, durably and whole: written under
// "<path>.tmp", synced, renamed, the directory synced. One caller a path at a time.
Status ReplaceFile(FileSystem& files, const std::string& path, std::string_view bytes);

// kNotFound for ENOENT, else kIo: "<operation> <path>: ENOSPC (No space left on device)".
Error ErrnoError(std::string_view operation, std::string_view path, int error_number);

// The contents of a lock file, and the sentence made of them (shared by the implementations).
std::string EncodeLockHolder(const LockHolder& holder);
std::optional<LockHolder> ParseLockHolder(std::string_view text);
Error LockedError(const std::string& subject, const std::optional<LockHolder>& holder);
LockHolder ThisProcess();

}  // namespace tracestore::fs
