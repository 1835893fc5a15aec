// Eight decimal digits at once.
#pragma once
#include <cstdint>

#include "base/bytes.h"

namespace tracestore::base {

// Whether the eight bytes at `at` are '0' to '9'.
inline bool AreEightDigits(const char* at) noexcept {
  const auto bytes = LoadLe<std::uint64_t>(at);
  // The upper half of each is 3, and stays so when 6 is added.
  constexpr std::uint64_t kUpper = 0xF0F0F0F0F0F0F0F0;
  return ((bytes & kUpper) | ((bytes + 0x0606060606060606) & kUpper) >> 4) == 0x3333333333333333;
}

// Their number. Precondition: AreEightDigits(at).
inline std::uint32_t EightDigits(const char* at) noexcept {
  std::uint64_t digits = LoadLe<std::uint64_t>(at) & 0x0F0F0F0F0F0F0F0F;  // the first is lowest
  digits = (digits * 10 + (digits >> 8)) & 0x00FF00FF00FF00FF;
  digits = (digits * 100 + (digits >> 16)) & 0x0000FFFF0000FFFF;
  return static_cast<std::uint32_t>(digits * 10'000 + (digits >> 32));
}

}  // namespace tracestore::base
