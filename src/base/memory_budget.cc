#include "base/memory_budget.h"

#include <string>

namespace tracestore {

bool MemoryBudget::Take(std::uint64_t bytes) noexcept {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    // used is never above a limit that there is.
    if (limits_.all != 0 && bytes > limits_.all - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

Status MemoryAccount::Take(std::uint64_t bytes) {
  const std::uint64_t each = budget_->limits().each;
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (each != 0 && bytes > each - used) return Refuse(Refusal::kEach);
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  if (budget_->Take(bytes)) return {};
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  return Refuse(Refusal::kAll);
}

void MemoryAccount::Give(std::uint64_t bytes) noexcept {
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  budget_->used_.fetch_sub(bytes, std::memory_order_relaxed);
}

Error MemoryAccount::Refuse(Refusal why) {
  Refusal none = Refusal::kNone;
  refusal_.compare_exchange_strong(none, why, std::memory_order_relaxed);
  if (why == Refusal::kEach) {
    return {ErrorCode::kBusy, "the query needs more memory than one may have, " +
                                  std::to_string(budget_->limits().each) + " bytes"};
  }
  return {ErrorCode::kBusy, "queries hold as much memory as they may, " +
                                std::to_string(budget_->limits().all) + " bytes"};
}

}  // namespace tracestore
