#include "ingest/byte_budget.h"

namespace tracestore::ingest {

bool ByteBudget::Take(Hold& hold, std::size_t bytes) noexcept {
  std::size_t used = used_.load(std::memory_order_relaxed);
  do {
    const bool alone = used == hold.bytes_;
    // limit_ - used may be negative where one that was alone took more.
    const bool fits = used <= limit_ && bytes <= limit_ - used;
    if (!fits && !alone) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  if (hold.bytes_ == 0 && bytes != 0) holds_.fetch_add(1, std::memory_order_relaxed);
  hold.bytes_ += bytes;
  return true;
}

void ByteBudget::Release(const Hold& hold) noexcept {
  if (hold.bytes_ == 0) return;
  used_.fetch_sub(hold.bytes_, std::memory_order_relaxed);
  holds_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace tracestore::ingest
