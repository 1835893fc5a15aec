// What the writer and the reader of integer streams share. Internal to this folder.
// Layout: docs/format/column-encodings.md, "Integer stream".
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tracestore::column {

// The low three bits of the tag byte; the upper five are the kind's argument.
enum class IntKind : std::uint8_t {
  kConstant = 0,  // argument: the value, or kConstantFollows and a varint
  kPacked = 1,    // argument: the width 1 … 31, or 0 and a width byte 32 … 64
  kBucket = 2,    // argument: how the bucket symbols are stored (BucketSymbols)
  kVarints = 3,   // one frame of varints
  kBytes = 4,     // one frame of packed values below 256; argument: their width 1, 2 or 4, or 0: 8
  kDelta = 5,     // varint first value, then a stream of zigzag differences
  kScaled = 6,    // varint factor, then a stream of the quotients
};
inline constexpr unsigned kKindBits = 3;
inline constexpr std::uint8_t kConstantFollows = 31;

// The argument of kBucket. 1 … 8 is a width: base byte, then bit-packed (symbol - base).
inline constexpr std::uint8_t kSymbolsFramed = 0;
inline constexpr std::uint8_t kSymbolsConstant = 9;  // one byte: the symbol

// Which wrapping kinds may stand at a level; each may be used once on the way down, except that
// differences may be scaled once more. So nesting ends after scaled, delta, scaled, leaf.
struct Wrappers {
  bool scaled = true;
  bool delta = true;
  constexpr Wrappers InsideScaled() const noexcept { return {false, delta}; }
  constexpr Wrappers InsideDelta() const noexcept { return {true, false}; }
};

// Log buckets with two mantissa bits. Values 0 … 3 are their own symbols; a value of exponent
// e >= 2 (2^e <= v < 2^(e+1)) has symbol 4 (e - 1) + (the two bits after its leading one) and e - 2
// raw low bits. 2^64 - 1 has symbol 251, so a symbol always fits a byte (with three mantissa
// bits it would not).
inline constexpr unsigned kBucketSymbols = 252;

constexpr unsigned BucketSymbol(std::uint64_t value) noexcept {
  if (value < 4) return static_cast<unsigned>(value);
  const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
  return 4 * (exponent - 1) + (static_cast<unsigned>(value >> (exponent - 2)) & 3);
}
constexpr unsigned BucketLowBits(unsigned symbol) noexcept {
  return symbol < 8 ? 0 : symbol / 4 - 1;
}
constexpr std::uint64_t BucketBase(unsigned symbol) noexcept {
  return symbol < 8 ? symbol : std::uint64_t{4 + (symbol & 3)} << (symbol / 4 - 1);
}

static_assert(BucketSymbol(~std::uint64_t{0}) == kBucketSymbols - 1);
static_assert(BucketLowBits(kBucketSymbols - 1) == 61);
static_assert(BucketSymbol(7) == 7 && BucketSymbol(8) == 8);
static_assert(BucketBase(BucketSymbol(1000)) == 896);

}  // namespace tracestore::column
