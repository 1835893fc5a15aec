// Hexadecimal text of 64-bit numbers and of byte strings.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::base {

// Writes exactly 16 lower-case digits to `out`.
inline void WriteHex64(std::uint64_t value, char* out) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; --i) {
    out[i] = kDigits[value & 0xF];
    value >>= 4;
  }
}

// The value of one hex digit of either case, or -1.
constexpr int HexDigit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// 1 to 16 digits of either case; nullopt for anything else.
inline std::optional<std::uint64_t> ParseHex64(std::string_view text) noexcept {
  if (text.empty() || text.size() > 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = HexDigit(c);
    if (digit < 0) return std::nullopt;
    value = (value << 4) | static_cast<std::uint64_t>(digit);
  }
  return value;
}

}  // namespace tracestore::base
