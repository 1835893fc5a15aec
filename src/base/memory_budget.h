// MemoryBudget: how many bytes the answers of queries may take at a time, each and all together.
// MemoryAccount is one query's share, MemoryHold a part of it that goes with what it stands for.
#pragma once
#include <tracestore/status.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tracestore {

// Threads: any.
class MemoryBudget {
 public:
  struct Limits {
    std::uint64_t all = 0;   // bytes of all queries; 0: any number
    std::uint64_t each = 0;  // bytes of one query; 0: any number
  };
  explicit MemoryBudget(Limits limits) noexcept : limits_(limits) {}

  const Limits& limits() const noexcept { return limits_; }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  friend class MemoryAccount;
  bool Take(std::uint64_t bytes) noexcept;

  const Limits limits_;
  std::atomic<std::uint64_t> used_{0};
};

// What one query holds. Threads: any.
class MemoryAccount {
 public:
  enum class Refusal : std::uint8_t {
    kNone,
    kEach,  // the query needs more than one may have: the same one can't succeed later
    kAll,   // all of them hold what they may: it may come again
  };

  explicit MemoryAccount(std::shared_ptr<MemoryBudget> budget) noexcept
      : budget_(std::move(budget)) {}
  ~MemoryAccount() { Give(used_); }
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  // Errors: kBusy, with what refusal() says from then on. Nothing is taken then.
  Status Take(std::uint64_t bytes);
  void Give(std::uint64_t bytes) noexcept;

  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  // The first one.
  Refusal refusal() const noexcept { return refusal_.load(std::memory_order_relaxed); }

 private:
  Error Refuse(Refusal why);

  const std::shared_ptr<MemoryBudget> budget_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<Refusal> refusal_{Refusal::kNone};
};

// Gives back what it has taken when it goes. Threads: one at a time.
class MemoryHold {
 public:
  MemoryHold() = default;
  // Null: counts nothing, refuses nothing.
  explicit MemoryHold(std::shared_ptr<MemoryAccount> account) noexcept
      : account_(std::move(account)) {}
  ~MemoryHold() { Release(); }
  MemoryHold(MemoryHold&& other) noexcept
      : account_(std::move(other.account_)), bytes_(other.bytes_) {
    other.bytes_ = 0;
  }
  MemoryHold& operator=(MemoryHold&& other) noexcept {
    if (this == &other) return *this;
    Release();
    account_ = std::move(other.account_);
    bytes_ = other.bytes_;
    other.bytes_ = 0;
    return *this;
  }

  bool counts() const noexcept { return account_ != nullptr; }
  // It stands for so many bytes now. Errors: kBusy, as MemoryAccount::Take; it is as it was then.
  Status Set(std::uint64_t bytes) {
    if (account_ == nullptr || bytes == bytes_) return {};
    if (bytes > bytes_) {
      if (Status taken = account_->Take(bytes - bytes_); !taken.has_value()) return taken;
    } else {
      account_->Give(bytes_ - bytes);
    }
    bytes_ = bytes;
    return {};
  }

 private:
  void Release() noexcept {
    if (account_ != nullptr) account_->Give(bytes_);
    bytes_ = 0;
  }

  std::shared_ptr<MemoryAccount> account_;
  std::uint64_t bytes_ = 0;
};

}  // namespace tracestore
