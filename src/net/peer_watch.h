// PeerWatch: ends gRPC calls whose peer keeps them waiting, for a message or for taking an answer;
// gRPC itself would wait for ever. Private to the gRPC server.
#pragma once
#include <grpcpp/server_context.h>

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/thread.h"

namespace tracestore::net {

// One thread of its own. Add and Remove from any.
class PeerWatch {
 public:
  struct Entry {
    grpc::ServerContextBase* call;
    std::chrono::steady_clock::time_point until;
    bool cancelled = false;  // it is in cancelled_
  };
  using Place = std::optional<std::list<Entry>::iterator>;

  explicit PeerWatch(std::chrono::milliseconds patience)
      : patience_(patience),
        thread_(base::StartThread([this](const std::stop_token& stop) { Run(stop); })) {}

  // `call` is cancelled unless it is removed in time. It must stay until Remove has returned.
  void Add(grpc::ServerContextBase& call, Place& place) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = waiting_.empty();
      place = waiting_.insert(waiting_.end(), {&call, Clock::now() + patience_});
    }
    if (first) changed_.notify_one();
  }
  // The patience with it is over.
  void Expire(const Place& place) {
    {
      const std::lock_guard lock(mutex_);
      if (!place || (*place)->cancelled) return;
      (*place)->until = Clock::now();
      waiting_.splice(waiting_.begin(), waiting_, *place);
    }
    changed_.notify_one();
  }
  // True if it was cancelled.
  bool Remove(Place& place) {
    const std::lock_guard lock(mutex_);
    if (!place) return false;
    const bool cancelled = (*place)->cancelled;
    (cancelled ? cancelled_ : waiting_).erase(*place);
    place.reset();
    return cancelled;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (waiting_.empty()) {
        changed_.wait(lock, stop, [this] { return !waiting_.empty(); });
        continue;
      }
      const auto until = waiting_.front().until;
      if (Clock::now() < until) {
        changed_.wait_until(lock, stop, until, [this, until] {
          return !waiting_.empty() && waiting_.front().until < until;
        });
        continue;
      }
      // Under the lock, so that the call stays. gRPC runs no reactor on a thread of ours.
      waiting_.front().call->TryCancel();
      waiting_.front().cancelled = true;
      cancelled_.splice(cancelled_.end(), waiting_, waiting_.begin());
    }
  }

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Entry> waiting_;    // guarded by mutex_; the first to be cancelled first
  // Guarded by mutex_; until Remove(). Apart, so that nobody waits behind them.
  std::list<Entry> cancelled_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace tracestore::net
