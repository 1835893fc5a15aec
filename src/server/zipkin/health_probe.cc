#include "server/zipkin/health_probe.h"

#include <string>
#include <utility>

#include "base/thread.h"

namespace tracestore::server {

Status HealthProbe::Ask(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!looking_) {
    if (thread_.joinable()) thread_.join();  // it has said what it saw, and ends
    thread_ = base::StartThread([this] { Look(); });
    looking_ = true;  // only where there is a thread; it waits for the lock
  }
  const std::uint64_t before = looks_;
  if (!done_.wait_for(lock, patience, [&] { return looks_ != before; })) {
    return Error(ErrorCode::kCancelled,
                 "the store gave no answer in " + std::to_string(patience.count()) + " ms");
  }
  return last_;
}

void HealthProbe::Look() {
  Status seen = look_();
  const std::lock_guard lock(mutex_);
  last_ = std::move(seen);
  ++looks_;
  looking_ = false;
  done_.notify_all();
}

}  // namespace tracestore::server
