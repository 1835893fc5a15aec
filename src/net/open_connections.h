// OpenConnections: which of a listener's connections is closed for a new one where no more may be
// open. Private to the servers.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

namespace tracestore::net {

// One thread. What a connection does is kept at its Place, which must stay until it is kBusy.
//
// One that has been idle for a second has nothing to say: the one that is longest so goes. Else it
// is of those that are idle and of those whose message is coming, whichever are more, the one that
// has been so longest: of a crowd that says nothing, or half a message, and comes again when it is
// closed, the crowd's own, for an honest client's message comes in less time than the crowd takes
// for a round.
template <typename Connection>
class OpenConnections {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kIdleEnough{1};

  enum class Does : std::uint8_t {
    kBusy,    // its message is being answered: it stays
    kIdle,    // nothing of a message has come
    kComing,  // not all of one has
  };
  using Since = std::multimap<Clock::time_point, Connection*>;
  struct Place {
    Does does = Does::kBusy;
    Clock::time_point since;  // kept where kBusy comes between
    typename Since::iterator at;
  };

  // A no-op where it does that already.
  void Set(Connection& connection, Place& place, Does does, Clock::time_point since) {
    if (place.does == does) return;
    if (place.does != Does::kBusy) Of(place.does).erase(place.at);
    place.does = does;
    if (does == Does::kBusy) return;
    place.since = since;
    place.at = Of(does).emplace(since, &connection);
  }

  // Null: all are busy.
  Connection* ToClose(Clock::time_point now) const {
    const bool idle_enough = !idle_.empty() && now - idle_.begin()->first >= kIdleEnough;
    const Since& from = idle_enough || idle_.size() >= coming_.size() ? idle_ : coming_;
    return from.empty() ? nullptr : from.begin()->second;
  }

  const Since& idle() const noexcept { return idle_; }  // longest first

 private:
  Since& Of(Does does) { return does == Does::kIdle ? idle_ : coming_; }

  Since idle_;
  Since coming_;
};

}  // namespace tracestore::net
