// OwnedSockets: counts the sockets that gRPC owns, which says neither how many it has nor when it
// closes one.
#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace tracestore::net {

// Any thread.
class OwnedSockets {
 public:
  explicit OwnedSockets(std::size_t most) : most_(most) {}

  // False where `most` are open.
  bool Add(int fd) {
    const std::lock_guard lock(mutex_);
    sockets_.erase(fd);  // whoever had that number has closed it
    if (sockets_.size() >= most_) DropClosed();
    if (sockets_.size() >= most_) return false;
    sockets_[fd] = InodeOf(fd);
    return true;
  }
  std::size_t Count() {
    const std::lock_guard lock(mutex_);
    DropClosed();
    return sockets_.size();
  }

 private:
  // A descriptor's number is soon another file's, a socket's inode is not.
  static std::uint64_t InodeOf(int fd) {
    struct stat status {};
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
  }
  void DropClosed() {
    std::erase_if(sockets_, [](const auto& one) { return InodeOf(one.first) != one.second; });
  }

  const std::size_t most_;
  std::mutex mutex_;
  std::map<int, std::uint64_t> sockets_;  // guarded by mutex_
};

}  // namespace tracestore::net
