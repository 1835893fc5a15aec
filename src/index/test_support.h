// What the tests of this room share. Not part of the library.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "base/hex.h"

namespace tracestore::index {

// Lower-case hex bytes, as the format pages print them; spaces are allowed.
inline std::string FromHex(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    const int digit = base::HexDigit(c);
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

inline std::string ToHex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    if (!text.empty()) text.push_back(' ');
    text.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

// Calls check(damaged) with every truncation of `bytes` (at most 300, evenly spread) and with
// `flips` copies that have one to three random bits turned. The copies are exact heap blocks, so
// that AddressSanitizer sees a read past the end.
template <typename CheckCut, typename CheckFlip>
void ForEachDamage(const std::string& bytes, std::mt19937_64& random, int flips,
                   const CheckCut& check_cut, const CheckFlip& check_flip) {
  const std::size_t step = bytes.size() / 300 + 1;
  for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
    const std::string shorter(bytes.data(), cut);
    check_cut(std::string_view(shorter));
  }
  for (int i = 0; i < flips && !bytes.empty(); ++i) {
    std::string turned(bytes);
    turned.shrink_to_fit();
    for (std::uint64_t n = random() % 3 + 1; n > 0; --n) {
      const std::uint64_t bit = random() % (turned.size() * 8);
      turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << (bit % 8)));
    }
    check_flip(std::string_view(turned));
  }
}

}  // namespace tracestore::index
