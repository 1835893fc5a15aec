// CheckStop, StopCheck: whether a call has to give up.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include <tracestore/query.h>
#include <tracestore/status.h>

namespace tracestore {

// kCancelled where `stop` says so; `what` stands in the sentence.
inline Status CheckStop(const StopWhen& stop, const char* what = "the query") {
  if (stop.cancel != nullptr && stop.cancel->load(std::memory_order_relaxed))
    return Error(ErrorCode::kCancelled, std::string(what) + " was cancelled");
  if (stop.deadline && std::chrono::steady_clock::now() > *stop.deadline)
    return Error(ErrorCode::kCancelled, std::string(what) + "'s deadline has passed");
  if (stop.poll && stop.poll())
    return Error(ErrorCode::kCancelled, std::string(what) + " was cancelled");
  return {};
}

// For loops over what bytes from outside hold: asked at each step, it asks its owner at every
// kSteps-th. Once it has said to stop it keeps saying so. One thread.
class StopCheck {
 public:
  static constexpr std::uint32_t kSteps = 256;

  // `stop` is borrowed; without one nothing ever stops.
  explicit StopCheck(const StopWhen* stop) noexcept : stop_(stop) {}

  // Whether to give up, with status() then.
  bool Step() {
    if (stop_ == nullptr || ++steps_ % kSteps != 0) return stopped();
    return Ask();
  }
  // The same at once, for steps that are long.
  bool Ask() {
    if (stop_ != nullptr && status_.has_value()) status_ = CheckStop(*stop_, "the reading");
    return stopped();
  }
  bool stopped() const noexcept { return !status_.has_value(); }
  // kCancelled once stopped.
  const Status& status() const noexcept { return status_; }

 private:
  const StopWhen* stop_;
  std::uint32_t steps_ = 0;
  Status status_;
};

}  // namespace tracestore
