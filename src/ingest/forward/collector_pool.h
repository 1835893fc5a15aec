// CollectorPool: which of several collectors gets the next message. Round robin over those that are
// well; one that failed rests for a time that doubles with each failure.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

#include "ingest/forward/forward_target.h"

namespace tracestore::ingest {

struct BackoffOptions {
  std::chrono::milliseconds first{100};    // after the first failure; at least 1 ms
  std::chrono::milliseconds most{30'000};  // --reporter.max-retry-interval
};

// Threads: every method from any. Times are the caller's: a simulated clock will do.
class CollectorPool {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `targets` isn't empty. `seed`: of the jitter.
  CollectorPool(std::vector<std::unique_ptr<ForwardTarget>> targets, BackoffOptions backoff,
                std::uint64_t seed);

  // The next collector that doesn't rest, its index; nullopt where all rest.
  std::optional<std::size_t> Pick(Time now);
  // When the first of those that rest is to be tried again.
  Time NextTry() const;

  // What came of a message. A failed one rests: the doubled time, less up to half of it by chance,
  // so that many agents don't come back at once; at least what the collector itself asked for.
  void Succeeded(std::size_t index);
  void Failed(std::size_t index, Time now, std::optional<std::chrono::milliseconds> asked);

  ForwardTarget& target(std::size_t index) { return *targets_[index]; }
  std::size_t size() const noexcept { return targets_.size(); }
  std::size_t healthy() const;  // those whose last message went well, or that weren't tried yet

 private:
  struct State {
    unsigned failures = 0;  // in a row
    Time rests_until{};
  };

  const std::vector<std::unique_ptr<ForwardTarget>> targets_;
  const BackoffOptions backoff_;
  mutable std::mutex mutex_;
  std::vector<State> states_;  // guarded by mutex_
  std::size_t next_ = 0;       // guarded by mutex_
  std::mt19937_64 random_;     // guarded by mutex_
};

}  // namespace tracestore::ingest
