#include "net/unix_listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "base/thread.h"

namespace tracestore::net {
namespace {

constexpr int kBacklog = 64;
// Between tries to accept while the process has no descriptor left.
constexpr int kRestMs = 50;

Error CannotListen(const std::string& path) {
  return {ErrorCode::kIo,
          "cannot listen on " + path + ": " + std::generic_category().message(errno)};
}

}  // namespace

struct UnixListener::Impl {
  ~Impl() {
    Stop();
    if (fd >= 0) close(fd);
    if (wake >= 0) close(wake);
  }

  void Stop() {
    if (!thread.joinable()) return;
    const std::uint64_t one = 1;
    (void)!write(wake, &one, sizeof one);
    thread.join();
    unlink(path.c_str());
  }

  void Run() {
    pollfd watched[] = {{fd, POLLIN, 0}, {wake, POLLIN, 0}};
    while (true) {
      if (poll(watched, 2, -1) < 0 && errno != EINTR) return;
      if (watched[1].revents != 0) return;
      const int accepted = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted >= 0) {
        deliver(accepted);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        poll(&watched[1], 1, kRestMs);
      }
    }
  }

  std::string path;
  Deliver deliver;
  int fd = -1;
  int wake = -1;
  std::jthread thread;
};

Result<std::unique_ptr<UnixListener>> UnixListener::Start(const std::string& path,
                                                          Deliver deliver) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::kInvalidArgument,
                 "cannot listen on " + path + ": a socket's path has at most " +
                     std::to_string(sizeof address.sun_path - 1) + " bytes"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->deliver = std::move(deliver);
  impl->wake = eventfd(0, EFD_CLOEXEC);
  impl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (impl->wake < 0 || impl->fd < 0) return CannotListen(path);
  if (bind(impl->fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return CannotListen(path);
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(impl->fd, kBacklog) != 0) {
    const Error error = CannotListen(path);
    unlink(path.c_str());
    return error;
  }
  impl->thread = base::StartThread([&listener = *impl] { listener.Run(); });
  return std::unique_ptr<UnixListener>(new UnixListener(std::move(impl)));
}

UnixListener::UnixListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UnixListener::~UnixListener() = default;
void UnixListener::Stop() { impl_->Stop(); }

}  // namespace tracestore::net
