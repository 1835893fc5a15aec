// The writer's lock: fcntl F_OFD_SETLK over the whole lock file.
//
// An open-file-description lock lives until its last descriptor is closed, and fork() copies
// descriptors. So a pthread_atfork handler closes the child's copies, and the holder unlocks by
// name before it closes, which frees the lock even while a child between vfork and exec has a copy.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include <algorithm>
#include <mutex>

#include "base/try.h"
#include "fs/posix_descriptor.h"
#include "fs/posix_file_system.h"

namespace tracestore::fs {
namespace {

constexpr std::size_t kMostLockFileBytes = 1024;  // pid, program (15) and host (64) fit with room

struct flock WholeFile(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

class PosixFileLock;

// Every lock this process holds, for the fork handler.
struct HeldLocks {
  std::mutex mutex;
  std::vector<PosixFileLock*> locks;  // guarded by mutex
};
HeldLocks& Held() {
  static HeldLocks* held = new HeldLocks;  // never destroyed: fork() may run during exit
  return *held;
}

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)) {
    RegisterForkHandler();
    const std::lock_guard lock(Held().mutex);
    Held().locks.push_back(this);
  }
  ~PosixFileLock() override {
    const std::lock_guard lock(Held().mutex);
    std::erase(Held().locks, this);
    if (fd_.get() < 0) return;  // a forked child: the lock is the parent's
    struct flock range = WholeFile(F_UNLCK);
    ::fcntl(fd_.get(), F_OFD_SETLK, &range);
  }

 private:
  static void RegisterForkHandler() {
    static std::once_flag once;
    std::call_once(once, [] {
      ::pthread_atfork([] { Held().mutex.lock(); }, [] { Held().mutex.unlock(); },
                       [] {
                         for (PosixFileLock* lock : Held().locks) lock->fd_.Reset();
                         Held().mutex.unlock();
                       });
    });
  }

  Descriptor fd_;
};

std::optional<LockHolder> ReadHolder(int fd, const std::string& path) {
  char text[kMostLockFileBytes];
  const auto got = ReadFully(fd, path, 0, text, sizeof text);
  if (!got.has_value()) return std::nullopt;
  return ParseLockHolder({text, *got});
}

}  // namespace

Result<std::unique_ptr<FileLock>> PosixFileSystem::LockExclusive(const std::string& path,
                                                                 const std::string& subject) {
  TS_TRY_ASSIGN(Descriptor fd, OpenDescriptor("open", path, O_RDWR | O_CREAT));
  struct flock range = WholeFile(F_WRLCK);
  if (::fcntl(fd.get(), F_OFD_SETLK, &range) != 0) {
    if (errno == EAGAIN || errno == EACCES) return LockedError(subject, ReadHolder(fd.get(), path));
    return ErrnoError("lock", path, errno);
  }
  const std::string text = EncodeLockHolder(ThisProcess());
  if (::ftruncate(fd.get(), 0) != 0) return ErrnoError("write", path, errno);
  const ssize_t wrote = ::pwrite(fd.get(), text.data(), text.size(), 0);
  if (wrote < 0) return ErrnoError("write", path, errno);
  return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(fd)));
}

Result<std::optional<LockHolder>> PosixFileSystem::LockedBy(const std::string& path) {
  auto fd = OpenDescriptor("open", path, O_RDONLY);
  if (!fd.has_value()) {
    if (fd.error().code() == ErrorCode::kNotFound) return std::optional<LockHolder>();
    return std::move(fd).error();
  }
  struct flock range = WholeFile(F_WRLCK);
  if (::fcntl(fd->get(), F_OFD_GETLK, &range) != 0) return ErrnoError("lock", path, errno);
  if (range.l_type == F_UNLCK) return std::optional<LockHolder>();
  // Held, but its text may be a moment away: then a holder without a name.
  return std::optional<LockHolder>(ReadHolder(fd->get(), path).value_or(LockHolder{}));
}

}  // namespace tracestore::fs
