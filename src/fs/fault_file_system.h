// FaultFileSystem: another file system with one call, or all from one call on, failing.
//
// A fault sweep runs a scenario with at_call = 1, 2, 3… until a run ends with fired() false. For a
// power cut at call n: fail from then on, then MemoryFileSystem::DropUnsynced() underneath.
#pragma once
#include <errno.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "fs/file_system.h"

namespace tracestore::fs {

struct Fault {
  // What the failing call did before it failed.
  enum class Effect : std::uint8_t {
    kNothing,
    kHalf,  // of an Append the first half of the bytes; of any other call nothing
    kAll,   // everything, and only the answer is an error
  };

  std::uint64_t at_call = 0;  // 1 is the first call; 0 never fails
  bool from_then_on = false;  // else only that call
  int error_number = EIO;
  Effect effect = Effect::kNothing;
};

// Counts every call on the file system and its handles, except destructors and size(). `base` must
// outlive this object and this object its handles. Any thread.
class FaultFileSystem final : public FileSystem {
 public:
  FaultFileSystem(FileSystem& base, Fault fault) : base_(base), state_{fault} {}

  std::uint64_t calls() const noexcept { return state_.calls; }
  bool fired() const noexcept { return state_.fired; }
  // Another fault from here on; the count starts again. Not while other threads make calls.
  void Arm(Fault fault) noexcept;

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

  // Shared with the handles.
  struct State {
    Fault fault;
    std::atomic<std::uint64_t> calls{0};
    std::atomic<bool> fired{false};

    // Counts a call; true when it has to fail.
    bool Next() noexcept;
  };

 private:
  FileSystem& base_;
  State state_;
};

}  // namespace tracestore::fs
