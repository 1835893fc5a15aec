// CallsInFlight: counts calls of gRPC's whose callback is still to come, for who must outlive them.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace tracestore::net {

// Any thread; its destructor only after AwaitNone().
class CallsInFlight {
 public:
  void Begin() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  // The last that a callback does.
  void End() {
    // Under the lock: whoever waits may destroy the condition as soon as the count is 0.
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) none_left_.notify_all();
  }
  void AwaitNone() {
    std::unique_lock lock(mutex_);
    none_left_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_left_;
  std::size_t count_ = 0;  // guarded by mutex_
};

}  // namespace tracestore::net
