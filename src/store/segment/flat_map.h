// FlatMap: from a 64-bit and a 32-bit number to a dense number, for the shape builder's hot loops.
#pragma once
#include <cstdint>
#include <vector>

namespace tracestore::store {

// Open addressing, grows at half full, no removal. One thread.
class FlatMap {
 public:
  struct Entry {
    std::uint64_t key;
    std::uint32_t scope;
    std::uint32_t count;  // how often FindOrAdd() met it
  };

  FlatMap() : slots_(1024, 0) {}

  // The number of the entry (scope, key): 0, 1, 2… in the order of first sight.
  std::uint32_t FindOrAdd(std::uint32_t scope, std::uint64_t key) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = Hash(scope, key) & mask;; slot = (slot + 1) & mask) {
      if (slots_[slot] == 0) {
        entries_.push_back({key, scope, 1});
        slots_[slot] = static_cast<std::uint32_t>(entries_.size());
        if (entries_.size() * 2 > slots_.size()) Grow();
        return static_cast<std::uint32_t>(entries_.size() - 1);
      }
      Entry& entry = entries_[slots_[slot] - 1];
      if (entry.key == key && entry.scope == scope) {
        ++entry.count;
        return slots_[slot] - 1;
      }
    }
  }
  // As FindOrAdd of what gave this number.
  void Again(std::uint32_t number) noexcept { ++entries_[number].count; }
  const std::vector<Entry>& entries() const noexcept { return entries_; }
  std::size_t size() const noexcept { return entries_.size(); }
  void Clear() {
    entries_.clear();
    slots_.assign(1024, 0);
  }

 private:
  static std::size_t Hash(std::uint32_t scope, std::uint64_t key) noexcept {
    std::uint64_t h = (key ^ (static_cast<std::uint64_t>(scope) << 40)) * 0x9E3779B97F4A7C15ULL;
    h = (h ^ scope) * 0xBF58476D1CE4E5B9ULL;
    return static_cast<std::size_t>(h ^ (h >> 31));
  }
  void Grow() {
    slots_.assign(slots_.size() * 2, 0);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      std::size_t slot = Hash(entries_[i].scope, entries_[i].key) & mask;
      while (slots_[slot] != 0) slot = (slot + 1) & mask;
      slots_[slot] = static_cast<std::uint32_t>(i + 1);
    }
  }
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // entry + 1, 0 = free
};

}  // namespace tracestore::store
