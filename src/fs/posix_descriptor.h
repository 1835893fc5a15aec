// Descriptor: owns one POSIX file descriptor. Private to the fs room.
#pragma once
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <tracestore/status.h>

namespace tracestore::fs {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() { Reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const noexcept { return fd_; }
  int Release() noexcept { return std::exchange(fd_, -1); }
  void Reset() noexcept {
    if (fd_ >= 0) ::close(Release());
  }

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC and mode 0644, again after EINTR. `operation` names the call in errors.
Result<Descriptor> OpenDescriptor(const char* operation, const std::string& path, int flags);

// pread(2) until `size` bytes or the end.
Result<std::size_t> ReadFully(int fd, const std::string& path, std::uint64_t offset, char* out,
                              std::size_t size);

}  // namespace tracestore::fs
