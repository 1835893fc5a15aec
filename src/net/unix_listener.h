// UnixListener: a listening socket of the file system, for servers that take connections by
// Adopt().
#pragma once
#include <tracestore/status.h>

#include <functional>
#include <memory>
#include <string>

namespace tracestore::net {

// One thread of its own.
class UnixListener {
 public:
  // Takes over `fd`, a connected socket that doesn't block. Called on the listener's thread; must
  // not block.
  using Deliver = std::function<void(int fd)>;

  // Listens at `path`, a file that must not exist and that only its owner may connect to. Errors:
  // kIo, "cannot listen on PATH: …"; kInvalidArgument, the path is too long for a socket.
  static Result<std::unique_ptr<UnixListener>> Start(const std::string& path, Deliver deliver);

  ~UnixListener();  // Stop()
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  // Accepts nothing more and removes the file. May be called again; not from `deliver`.
  void Stop();

 private:
  struct Impl;
  explicit UnixListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
