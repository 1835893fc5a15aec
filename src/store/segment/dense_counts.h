// DenseCounts: how often small numbers were met.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tracestore::store {

// Memory: 4 bytes for each number up to the greatest met. One thread.
class DenseCounts {
 public:
  void Add(std::uint32_t number) {
    if (number >= counts_.size()) counts_.resize(number + std::size_t{1}, 0);
    if (counts_[number]++ == 0) met_.push_back(number);
  }
  // In the order of first sight.
  const std::vector<std::uint32_t>& met() const noexcept { return met_; }
  std::uint32_t CountOf(std::uint32_t number) const noexcept { return counts_[number]; }
  // Cost: what was met.
  void Clear() {
    for (const std::uint32_t number : met_) counts_[number] = 0;
    met_.clear();
  }

 private:
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint32_t> met_;
};

}  // namespace tracestore::store
