// SilentCalls: gRPC calls of which no message has come, so that nobody knows yet whose they are. So
// many may wait; one more ends the one that waits longest. Private to the gRPC server.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "net/peer_watch.h"

namespace tracestore::net {

// Any thread.
class SilentCalls {
 public:
  SilentCalls(PeerWatch& peers, std::size_t most) : peers_(peers), most_(most) {}

  // The call that is watched at `place`, which must stay until Remove(). Gives what that takes.
  std::uint64_t Add(const PeerWatch::Place& place) {
    const std::lock_guard lock(mutex_);
    if (!waiting_.empty() && waiting_.size() >= most_) {
      peers_.Expire(*waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
    waiting_.emplace(++last_, &place);
    return last_;
  }
  // Its message has come, or it has ended. May be called again.
  void Remove(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(number);
  }

 private:
  PeerWatch& peers_;
  const std::size_t most_;
  std::mutex mutex_;
  std::uint64_t last_ = 0;                                   // guarded by mutex_
  std::map<std::uint64_t, const PeerWatch::Place*> waiting_;  // guarded by mutex_; the first first
};

}  // namespace tracestore::net
