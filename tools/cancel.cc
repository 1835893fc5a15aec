#include "cancel.h"

#include <csignal>

namespace tracestore::tools {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler may set it

extern "C" void OnInterrupt(int) { interrupted.store(true, std::memory_order_relaxed); }

}  // namespace

void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = OnInterrupt;
  // No SA_RESTART: a wait ends. The second signal finds the default and ends the process.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& Interrupted() noexcept { return interrupted; }

void Deadline::AddFlag(CLI::App& app) {
  app.add_option("--timeout", text_, "Stop after this time, e.g. 30s or 1m30s (exit code 7)")
      ->type_name("DURATION")
      ->group("Limits");
}

Status Deadline::Start() {
  if (text_.empty()) return {};
  auto duration = ParseDuration(text_);
  if (!duration) return std::move(duration.error()).WithContext("--timeout");
  // A hundred years are for ever, and fit the clock.
  constexpr std::chrono::hours kLongest(24 * 365 * 100);
  at_ = std::chrono::steady_clock::now() +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            *duration < kLongest ? *duration : std::chrono::nanoseconds(kLongest));
  return {};
}

Status Deadline::Check() const {
  if (Interrupted().load(std::memory_order_relaxed)) {
    return Error(ErrorCode::kCancelled, "interrupted");
  }
  if (at_ && std::chrono::steady_clock::now() >= *at_) {
    return Error(ErrorCode::kCancelled, "the time of --timeout has passed");
  }
  return {};
}

}  // namespace tracestore::tools
