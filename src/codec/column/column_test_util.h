// Seeded data and byte helpers that the tests of this folder share.
#pragma once
#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/testing/source_dir.h"

namespace tracestore::column::testing {

// SplitMix64: the same numbers on every platform and standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t Below(std::uint64_t end) { return Next() % end; }
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // Log-normal with the given median and spread: what durations look like.
  std::uint64_t LogNormal(double median, double sigma) {
    const double radius = std::sqrt(-2 * std::log(1 - Unit()));
    const double gauss = radius * std::cos(6.283185307179586 * Unit());
    return static_cast<std::uint64_t>(median * std::exp(sigma * gauss));
  }

 private:
  std::uint64_t state_;
};

inline std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) hex.push_back(' ');
    hex.push_back(kDigits[static_cast<unsigned char>(bytes[i]) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(bytes[i]) & 15]);
  }
  return hex;
}

inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  unsigned value = 0;
  int digits = 0;
  for (const char c : hex) {
    if (c == ' ' || c == '\n') continue;
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits == 2) {
      bytes.push_back(static_cast<char>(value));
      value = 0;
      digits = 0;
    }
  }
  return bytes;
}

// True if the format page holds `hex` as one of its examples.
inline bool IsOnFormatPage(const std::string& hex) {
  static const std::string page = [] {
    std::ifstream file(base::SourceDir() + "/docs/format/column-encodings.md",
                       std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }();
  return page.find('`' + hex + '`') != std::string::npos;
}

// A column of one of many kinds, chosen by the seed: empty, constant, random, sorted and so on.
inline std::vector<std::uint64_t> ArbitraryColumn(std::uint64_t seed) {
  Random random(seed);
  constexpr std::size_t kSizes[] = {0, 1, 2, 3, 10, 64, 65, 66, 300, 1000};
  const std::size_t count = kSizes[random.Below(std::size(kSizes))];
  const std::uint64_t kind = random.Below(15);
  const unsigned width = static_cast<unsigned>(1 + random.Below(64));
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - width);
  const std::uint64_t start = random.Next();
  std::uint64_t running = start;
  std::vector<std::uint64_t> column;
  for (std::size_t i = 0; i < count; ++i) {
    switch (kind) {
      case 0: column.push_back(start & mask); break;
      case 1: column.push_back(random.Next()); break;
      case 2: column.push_back(random.Next() & mask); break;
      case 3: column.push_back(start + i); break;
      case 4: column.push_back(start - i * 1000); break;
      case 5: column.push_back(random.Below(2) ? ~std::uint64_t{0} : 0); break;
      case 6: column.push_back(random.Below(4)); break;
      case 7: column.push_back(random.Below(20) ? 0 : random.Below(256)); break;
      case 8: column.push_back(random.LogNormal(2e6, 1.5)); break;
      case 9: column.push_back(random.LogNormal(2e3, 1.5) * 1000); break;
      case 10: column.push_back(running += random.LogNormal(1e5, 2)); break;
      case 11: column.push_back(random.Next() >> random.Below(64)); break;
      case 12: column.push_back(start + random.Below(6) * 0x123456789ULL); break;
      case 13: column.push_back((i % 7) * 1'000'003 + 5000); break;
      default: column.push_back(std::uint64_t{1} << random.Below(64)); break;
    }
  }
  return column;
}

}  // namespace tracestore::column::testing
