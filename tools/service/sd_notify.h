// What systemd is told of a service's state: the datagrams of sd_notify(3), written by ourselves.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "service/environment.h"

namespace tracestore::tools {

// Does nothing where NOTIFY_SOCKET isn't set. Threads: one.
class SystemdNotifier {
 public:
  // NOTIFY_SOCKET (a path, or '@' and an abstract name), WATCHDOG_USEC and WATCHDOG_PID.
  explicit SystemdNotifier(const Environment& environment);
  ~SystemdNotifier();
  SystemdNotifier(const SystemdNotifier&) = delete;
  SystemdNotifier& operator=(const SystemdNotifier&) = delete;

  // "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…", "WATCHDOG=1"; a lost one is no error.
  void Send(std::string_view state) const;

  // How often WATCHDOG=1 is due: half of what systemd waits for. Nothing where it doesn't wait.
  std::optional<std::chrono::microseconds> watchdog() const noexcept { return watchdog_; }

 private:
  int fd_ = -1;
  std::string address_;  // as sun_path has it
  std::optional<std::chrono::microseconds> watchdog_;
};

// RELOADING=1 with the time that systemd compares: CLOCK_MONOTONIC in microseconds.
std::string ReloadingState();

}  // namespace tracestore::tools
