// Lazy: a part of an open file that is read when first asked for.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include <tracestore/status.h>

namespace tracestore::store {

// Any thread may call Get(); one loads, the others wait for it. A failure is not kept: the next
// call tries again. What was loaded stays until the Lazy goes.
template <typename T>
class Lazy {
 public:
  // `load` gives Result<T>.
  template <typename Load>
  Result<const T*> Get(const Load& load) const {
    if (const T* loaded = value_.load(std::memory_order_acquire)) return loaded;
    const std::lock_guard lock(mutex_);
    if (owned_ != nullptr) return static_cast<const T*>(owned_.get());
    Result<T> made = load();
    if (!made.has_value()) return std::move(made).error();
    owned_ = std::make_unique<T>(std::move(made).value());
    value_.store(owned_.get(), std::memory_order_release);
    return static_cast<const T*>(owned_.get());
  }

 private:
  mutable std::mutex mutex_;  // guards owned_
  mutable std::unique_ptr<T> owned_;
  mutable std::atomic<const T*> value_{nullptr};
};

}  // namespace tracestore::store
