#include "service/sd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace tracestore::tools {
namespace {

std::uint64_t NumberOf(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

SystemdNotifier::SystemdNotifier(const Environment& environment) {
  address_ = ValueOf(environment, "NOTIFY_SOCKET");
  if (address_.size() < 2 || (address_.front() != '/' && address_.front() != '@') ||
      address_.size() >= sizeof(sockaddr_un::sun_path)) {
    return;
  }
  if (address_.front() == '@') address_.front() = '\0';
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const std::uint64_t wait = NumberOf(ValueOf(environment, "WATCHDOG_USEC"));
  const std::uint64_t pid = NumberOf(ValueOf(environment, "WATCHDOG_PID"));
  if (wait == 0 || (pid != 0 && pid != static_cast<std::uint64_t>(getpid()))) return;
  watchdog_ = std::chrono::microseconds(std::max<std::uint64_t>(wait / 2, 1));
}

SystemdNotifier::~SystemdNotifier() {
  if (fd_ >= 0) close(fd_);
}

void SystemdNotifier::Send(std::string_view state) const {
  if (fd_ < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::copy(address_.begin(), address_.end(), to.sun_path);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  // The kernel wants the general type.
  const auto* general = reinterpret_cast<const sockaddr*>(&to);
  (void)!sendto(fd_, state.data(), state.size(), MSG_NOSIGNAL, general, size);
}

std::string ReloadingState() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us);
}

}  // namespace tracestore::tools
