// Memo: answers worked out from the segments of one catalog version, kept while it stands.
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tracestore::store {

// Shared by the snapshots that have the same segments, straddlers and tombstones; what is in it
// must depend on nothing else, or say on what. Keys tell answers apart, and with them their types.
// Bounded: when it is full it begins anew. Any thread.
class Memo {
 public:
  explicit Memo(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  template <typename T>
  std::shared_ptr<const T> Find(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find(key);
    return found == answers_.end() ? nullptr
                                   : std::static_pointer_cast<const T>(found->second.value);
  }

  // In place of one that is kept with that key. `bytes`: about what the answer takes.
  template <typename T>
  void Keep(const std::string& key, std::shared_ptr<const T> answer, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (const auto old = answers_.find(key); old != answers_.end()) {
      bytes_ -= old->second.bytes;
      answers_.erase(old);
    }
    if (bytes > most_bytes_) return;
    if (bytes_ + bytes > most_bytes_) {
      answers_.clear();
      bytes_ = 0;
    }
    answers_.emplace(key, Answer{std::move(answer), bytes});
    bytes_ += bytes;
  }

  std::size_t most_bytes() const noexcept { return most_bytes_; }

  std::size_t memory_bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  struct Answer {
    std::shared_ptr<const void> value;
    std::size_t bytes;
  };

  const std::size_t most_bytes_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Answer> answers_;
  std::size_t bytes_ = 0;
};

}  // namespace tracestore::store
