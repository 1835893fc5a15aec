// ByteBudget: how many bytes may be in flight at a time. What bounds a queue that has no places.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tracestore::ingest {

// Any thread. Must outlive its holds.
class ByteBudget {
 public:
  // A share of the budget, given back by destroying it.
  class Hold {
   public:
    explicit Hold(ByteBudget& budget) noexcept : budget_(budget) {}
    ~Hold() { budget_.Release(*this); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    // Takes as many more. False where they aren't free; what was taken before stays. A hold that is
    // alone gets whatever it asks for, so that no message is too large for ever: the transports
    // bound the length of one.
    bool Take(std::size_t bytes) noexcept { return budget_.Take(*this, bytes); }

   private:
    friend class ByteBudget;
    ByteBudget& budget_;
    std::size_t bytes_ = 0;
  };

  explicit ByteBudget(std::size_t limit) noexcept : limit_(limit) {}

  std::size_t limit() const noexcept { return limit_; }
  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  // Holds that have taken something.
  std::size_t holds() const noexcept { return holds_.load(std::memory_order_relaxed); }

 private:
  bool Take(Hold& hold, std::size_t bytes) noexcept;
  void Release(const Hold& hold) noexcept;

  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> holds_{0};
};

}  // namespace tracestore::ingest
