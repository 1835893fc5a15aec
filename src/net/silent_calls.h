// SilentCalls: gRPC calls of which no message has come, so that nobody knows yet whose they are. So
// many may wait; one more ends the one that waits longest of the connection that has most of them: who
// begins a thousand loses its own. Private to the gRPC server.
#pragma once
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "net/peer_watch.h"

namespace tracestore::net {

// Any thread.
class SilentCalls {
 public:
  // Of a call; by itself of none.
  struct Number {
    std::uint64_t connection = 0;
    std::uint64_t call = 0;
  };

  // At least one may wait.
  SilentCalls(PeerWatch& peers, std::size_t most)
      : peers_(peers), most_(std::max<std::size_t>(most, 1)) {}

  // The call that is watched at `place`, which must stay until Remove(). `connection` as
  // GrpcConnections::Begin() gives it: those without address, 0, count as one. Gives what Remove()
  // takes.
  Number Add(std::uint64_t connection, const PeerWatch::Place& place) {
    const std::lock_guard lock(mutex_);
    const Number number{connection, ++last_};
    Calls& calls = by_connection_[connection];
    ranks_.erase(RankOf(connection, calls));
    calls.emplace(number.call, &place);
    ranks_.insert(RankOf(connection, calls));
    if (++waiting_ > most_) EndOne();
    return number;
  }
  // Its message has come, or it has ended. May be called again.
  void Remove(const Number& number) {
    const std::lock_guard lock(mutex_);
    const auto found = by_connection_.find(number.connection);
    if (found != by_connection_.end()) Erase(found, found->second.find(number.call));
  }

 private:
  using Calls = std::map<std::uint64_t, const PeerWatch::Place*>;  // the first first
  using ByConnection = std::unordered_map<std::uint64_t, Calls>;
  // The one to lose a call comes first: it has most of them or, of several, has waited longest.
  struct Rank {
    std::size_t fewer;  // than can be counted
    std::uint64_t first_call;
    std::uint64_t connection;
    friend std::strong_ordering operator<=>(const Rank&, const Rank&) = default;
  };

  static Rank RankOf(std::uint64_t connection, const Calls& calls) {
    return {std::numeric_limits<std::size_t>::max() - calls.size(),
            calls.empty() ? 0 : calls.begin()->first, connection};
  }
  void EndOne() {
    const auto most = by_connection_.find(ranks_.begin()->connection);
    peers_.Expire(*most->second.begin()->second);
    Erase(most, most->second.begin());
  }
  void Erase(ByConnection::iterator connection, Calls::iterator call) {
    Calls& calls = connection->second;
    if (call == calls.end()) return;
    ranks_.erase(RankOf(connection->first, calls));
    calls.erase(call);
    --waiting_;
    if (calls.empty()) {
      by_connection_.erase(connection);
    } else {
      ranks_.insert(RankOf(connection->first, calls));
    }
  }

  PeerWatch& peers_;
  const std::size_t most_;
  std::mutex mutex_;
  ByConnection by_connection_;  // guarded by mutex_, as what follows; none is empty
  std::set<Rank> ranks_;        // one a connection
  std::size_t waiting_ = 0;     // calls of all
  std::uint64_t last_ = 0;
};

}  // namespace tracestore::net
