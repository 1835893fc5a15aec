// HealthProbe: a look at something that may hang, asked from a thread of its own.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace tracestore::server {

// Any thread asks. One look at a time: who comes while one hangs waits for that one.
class HealthProbe {
 public:
  // `look` is called on the probe's thread. The destructor waits for it.
  explicit HealthProbe(std::function<Status()> look) : look_(std::move(look)) {}

  // What a look that began now, or was under way, gives. Errors also: kCancelled, it gave nothing
  // in that time.
  Status Ask(std::chrono::milliseconds patience);

 private:
  void Look();

  const std::function<Status()> look_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable done_;
  bool looking_ = false;
  std::uint64_t looks_ = 0;  // that ended
  Status last_;
  std::jthread thread_;
};

}  // namespace tracestore::server
