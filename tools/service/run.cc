#include "service/run.h"

#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <csignal>
#include <iostream>

#include "exit_codes.h"

namespace tracestore::tools {
namespace {

// SIGTERM and SIGINT, waited for by the thread that owns the service. Made before any other thread,
// which then inherit that the two are blocked.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~StopSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Gives the signal that came. From then on another one ends the process.
  int Wait() {
    int signal = 0;
    sigwait(&signals_, &signal);
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    return signal;
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

}  // namespace

int RunService(const Resolved& resolved, const std::vector<Part>& parts) {
  StopSignals signals;
  std::signal(SIGPIPE, SIG_IGN);
  StartLog(resolved.config.log_level);
  for (const std::string& warning : resolved.warnings) spdlog::warn("{}", warning);
  const auto grace =
      std::chrono::duration_cast<std::chrono::milliseconds>(resolved.config.stop_grace);
  Service service(resolved.config);
  if (const Status started = service.Start(parts); !started.has_value()) {
    if (const Status stopped = service.Stop(grace); !stopped.has_value()) {
      spdlog::error("closing: {}", stopped.error().message());
    }
    return Fail(started.error());
  }
  std::cout << service.Description() << std::flush;
  spdlog::info("serving");
  const int signal = signals.Wait();
  spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
  if (const Status stopped = service.Stop(grace); !stopped.has_value()) {
    return Fail(stopped.error());
  }
  spdlog::info("stopped; everything acknowledged is kept");
  return kExitOk;
}

}  // namespace tracestore::tools
