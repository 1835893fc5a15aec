// A small random source whose numbers are the same on every machine.
#pragma once
#include <cstdint>
#include <initializer_list>

namespace tracestore::predicate::testing {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  // SplitMix64.
  std::uint64_t Next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // In [0, count); 0 where count is 0.
  std::uint32_t Below(std::uint64_t count) noexcept {
    return count == 0 ? 0 : static_cast<std::uint32_t>(Next() % count);
  }
  bool Percent(unsigned chance) noexcept { return Below(100) < chance; }
  template <typename T>
  T Pick(std::initializer_list<T> list) noexcept {
    return list.begin()[Below(list.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace tracestore::predicate::testing
