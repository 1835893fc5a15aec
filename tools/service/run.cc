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

// How long requests in flight may take at the end, all listeners together; Docker's own patience
// is 10 s, systemd's 90.
constexpr std::chrono::milliseconds kGrace{8000};

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

void StartLog() {
  spdlog::set_default_logger(spdlog::stderr_color_mt("tracestore"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::flush_on(spdlog::level::info);
}

}  // namespace

int RunService(const ServiceConfig& config, const std::vector<Part>& parts) {
  StopSignals signals;
  std::signal(SIGPIPE, SIG_IGN);
  StartLog();
  Service service(config);
  if (const Status started = service.Start(parts); !started.has_value()) {
    if (const Status stopped = service.Stop(kGrace); !stopped.has_value()) {
      spdlog::error("closing: {}", stopped.error().message());
    }
    return Fail(started.error());
  }
  std::cout << service.Description() << std::flush;
  spdlog::info("serving");
  const int signal = signals.Wait();
  spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
  if (const Status stopped = service.Stop(kGrace); !stopped.has_value()) {
    return Fail(stopped.error());
  }
  spdlog::info("stopped; everything acknowledged is kept");
  return kExitOk;
}

}  // namespace tracestore::tools
