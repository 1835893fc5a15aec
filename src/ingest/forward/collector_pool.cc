#include "ingest/forward/collector_pool.h"

#include <algorithm>
#include <utility>

namespace tracestore::ingest {

CollectorPool::CollectorPool(std::vector<std::unique_ptr<ForwardTarget>> targets,
                             BackoffOptions backoff, std::uint64_t seed)
    : targets_(std::move(targets)), backoff_(backoff), states_(targets_.size()), random_(seed) {}

std::optional<std::size_t> CollectorPool::Pick(Time now) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const std::size_t index = (next_ + i) % states_.size();
    if (states_[index].rests_until > now) continue;
    next_ = index + 1;
    return index;
  }
  return std::nullopt;
}

CollectorPool::Time CollectorPool::NextTry() const {
  const std::lock_guard lock(mutex_);
  Time first = Time::max();
  for (const State& state : states_) first = std::min(first, state.rests_until);
  return first;
}

void CollectorPool::Succeeded(std::size_t index) {
  const std::lock_guard lock(mutex_);
  states_[index] = State{};
}

void CollectorPool::Failed(std::size_t index, Time now,
                           std::optional<std::chrono::milliseconds> asked) {
  const std::lock_guard lock(mutex_);
  State& state = states_[index];
  std::chrono::milliseconds rest = backoff_.most;
  // 2^20 times the first wait is beyond any longest one.
  if (state.failures < 20)
    rest = std::min(backoff_.first * (std::int64_t{1} << state.failures), rest);
  ++state.failures;
  rest -= std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(0, rest.count() / 2)(random_));
  // What a collector asks for is believed up to the longest wait.
  if (asked.has_value()) rest = std::max(rest, std::min(*asked, backoff_.most));
  state.rests_until = now + rest;
}

std::size_t CollectorPool::healthy() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      states_.begin(), states_.end(), [](const State& state) { return state.failures == 0; }));
}

}  // namespace tracestore::ingest
