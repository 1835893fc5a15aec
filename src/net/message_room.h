// MessageRoom: the bytes that the messages of a listener, being read or answered, may have
// together. Private to the servers.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>

namespace tracestore::net {

// One thread.
//
// Where there is no room for a new message, the one goes that comes slowest, if it comes too
// slowly: its sender would keep the others out for as long as it likes. How fast one comes is what
// came in its last second or more, not in all the time since it began: else who has sent some
// megabytes at once could be silent for minutes. A message that has come whole goes for nobody.
class MessageRoom {
 public:
  using Clock = std::chrono::steady_clock;
  // Too slow is what has less than this a second,
  static constexpr std::size_t kLeastPace = std::size_t{64} << 10;
  // or would take longer than this for the bytes that it holds: so that to hold 256 MiB takes
  // 8 MiB a second, however many share in it.
  static constexpr std::chrono::seconds kMostTime{32};
  // Nothing is said of how fast a message comes in less.
  static constexpr std::chrono::seconds kLookedAt{1};

  // What one message holds, until the share ends.
  class Share {
   public:
    // `end` is called at most once, when the share was taken away: whoever reads the message must
    // stop, later, for it is another's GrowTo() that calls. Neither may end a share.
    Share(MessageRoom& room, std::function<void()> end) : room_(room), end_(std::move(end)) {}
    ~Share() { Release(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // `size` bytes in all, not less than before. False: there is no room, or it was taken away.
    bool GrowTo(std::size_t size, Clock::time_point now);
    // So many bytes of it have come, in all.
    void Came(std::size_t bytes, Clock::time_point now);
    // It has come whole.
    void Whole();
    // It holds nothing any more. May be taken up again by GrowTo(), for the next message.
    void Release();
    bool taken_away() const noexcept { return taken_away_; }

   private:
    friend class MessageRoom;
    // Bytes a second; nullopt: it began just now.
    std::optional<std::uint64_t> Pace(Clock::time_point now) const;
    bool IsTooSlow(std::uint64_t pace) const;

    MessageRoom& room_;
    const std::function<void()> end_;
    std::size_t size_ = 0;
    std::size_t came_ = 0;
    // Where what is looked at began, and what was before.
    Clock::time_point looked_at_;
    std::size_t came_before_ = 0;
    std::optional<std::uint64_t> last_pace_;
    std::optional<std::list<Share*>::iterator> coming_;
    bool taken_away_ = false;
  };

  explicit MessageRoom(std::size_t bytes) : bytes_(bytes) {}
  std::size_t used() const noexcept { return used_; }

 private:
  // False: nobody is too slow.
  bool TakeFromSlowest(const Share& but, Clock::time_point now);

  const std::size_t bytes_;
  std::size_t used_ = 0;
  std::list<Share*> coming_;  // not whole yet
};

}  // namespace tracestore::net
