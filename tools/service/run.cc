#include "service/run.h"

#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <iostream>
#include <string>

#include "exit_codes.h"
#include "service/kept_memory.h"
#include "service/open_files.h"
#include "service/sd_notify.h"

namespace tracestore::tools {
namespace {

// SIGTERM, SIGINT and SIGHUP, waited for by the thread that owns the service. Made before any other
// thread, which then inherit that they are blocked.
class Signals {
 public:
  Signals() {
    sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Gives the signal that came, or 0 when none did for so long.
  int Wait(std::chrono::microseconds at_most) {
    timespec time{};
    time.tv_sec = static_cast<std::time_t>(at_most.count() / 1'000'000);
    time.tv_nsec = static_cast<long>(at_most.count() % 1'000'000 * 1'000);
    const int signal = sigtimedwait(&signals_, nullptr, &time);
    return signal < 0 ? 0 : signal;
  }

  // From now on SIGTERM and SIGINT end the process at once.
  void LetThrough() {
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGHUP, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

// Jaeger's levels above error are as loud as error.
spdlog::level::level_enum LevelOf(const std::string& name) {
  if (name == "debug") return spdlog::level::debug;
  if (name == "info") return spdlog::level::info;
  if (name == "warn") return spdlog::level::warn;
  return spdlog::level::err;
}

void StartLog(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("tracestore"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::set_level(LevelOf(level));
  spdlog::flush_on(spdlog::level::info);
}

void Reload(Service& service, const SystemdNotifier& systemd) {
  systemd.Send(ReloadingState());
  spdlog::info("SIGHUP: reloading");
  for (const Error& error : service.Reload()) spdlog::error("reload: {}", error.message());
  systemd.Send("READY=1");
}

constexpr std::chrono::seconds kTidyEvery{5};

// Serves until it is told to stop.
void Serve(Service& service, Signals& signals, const SystemdNotifier& systemd) {
  const auto watchdog = systemd.watchdog();
  const std::chrono::microseconds turn = std::min<std::chrono::microseconds>(
      kTidyEvery, watchdog.value_or(std::chrono::microseconds::max()));
  while (true) {
    const int signal = signals.Wait(turn);
    if (signal == 0) {
      if (watchdog) systemd.Send("WATCHDOG=1");
      GiveBackMemory();
    } else if (signal == SIGHUP) {
      Reload(service, systemd);
    } else {
      spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
      return;
    }
  }
}

}  // namespace

int RunService(const Resolved& resolved, const std::vector<Part>& parts) {
  BoundKeptMemory();
  Signals signals;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is an error of that write
  StartLog(resolved.config.log_level);
  RaiseOpenFilesLimit();
  for (const std::string& warning : resolved.warnings) spdlog::warn("{}", warning);
  const auto grace =
      std::chrono::duration_cast<std::chrono::milliseconds>(resolved.config.stop_grace);
  const SystemdNotifier systemd(ProcessEnvironment());
  Service service(resolved.config);
  if (const Status started = service.Start(parts); !started.has_value()) {
    if (const Status stopped = service.Stop(grace); !stopped.has_value()) {
      spdlog::error("closing: {}", stopped.error().message());
    }
    return Fail(started.error());
  }
  std::cout << service.Description() << std::flush;
  spdlog::info("serving");
  systemd.Send("READY=1");
  Serve(service, signals, systemd);
  systemd.Send("STOPPING=1");
  signals.LetThrough();
  if (const Status stopped = service.Stop(grace); !stopped.has_value()) {
    return Fail(stopped.error());
  }
  // What was to be sent on and wasn't is told of before.
  const bool stored = !resolved.config.forward.on();
  spdlog::info(stored ? "stopped; everything acknowledged is kept" : "stopped");
  return kExitOk;
}

}  // namespace tracestore::tools
