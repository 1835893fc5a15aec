// Bit-packing: values of 0 to 64 bits one after the other, the lowest bit first, in
// (sum of widths + 7) / 8 bytes; the last byte is filled with zero bits.
#pragma once
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tracestore::column {

constexpr std::uint64_t LowMask(unsigned width) noexcept {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}
constexpr unsigned BitWidth(std::uint64_t value) noexcept {
  return static_cast<unsigned>(std::bit_width(value));
}
constexpr std::size_t PackedBytes(std::size_t bits) noexcept { return bits / 8 + (bits % 8 != 0); }

// Appends packed values to a string that the caller owns and leaves alone until Finish().
class BitWriter {
 public:
  // `bits`: the sum of the widths of all Put() calls to come.
  BitWriter(std::string& out, std::size_t bits)
      : out_(out), end_(out.size() + PackedBytes(bits)) {
    const std::size_t begin = out.size();
    out_.resize(end_ + sizeof(std::uint64_t));
    at_ = out_.data() + begin;
  }

  // Precondition: value < 2^width, width <= 64.
  void Put(std::uint64_t value, unsigned width) noexcept {
    pending_ |= value << used_;
    const unsigned next = used_ + width;
    if (next < 64) {
      used_ = next;
      return;
    }
    base::StoreLe(at_, pending_);
    at_ += sizeof pending_;
    pending_ = used_ == 0 ? 0 : value >> (64 - used_);
    used_ = next - 64;
  }

  void Finish() {
    base::StoreLe(at_, pending_);
    assert(at_ + PackedBytes(used_) == out_.data() + end_);
    out_.resize(end_);
  }

 private:
  std::string& out_;
  std::size_t end_;
  char* at_ = nullptr;
  std::uint64_t pending_ = 0;
  unsigned used_ = 0;  // bits in pending_, < 64
};

// Random access to packed values; borrows the bytes.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) noexcept : bytes_(bytes) {}

  // Precondition: bit + width <= 8 * size of the bytes, width <= 64.
  std::uint64_t Get(std::size_t bit, unsigned width) const noexcept {
    const std::size_t byte = bit >> 3;
    const auto shift = static_cast<unsigned>(bit & 7);
    if (byte + 9 > bytes_.size()) return GetNearEnd(byte, shift, width);
    return Join(bytes_.data() + byte, shift, width);
  }

 private:
  static std::uint64_t Join(const char* from, unsigned shift, unsigned width) noexcept {
    std::uint64_t value = base::LoadLe<std::uint64_t>(from) >> shift;
    if (shift + width > 64) {
      value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(from[8])) << (64 - shift);
    }
    return value & LowMask(width);
  }
  std::uint64_t GetNearEnd(std::size_t byte, unsigned shift, unsigned width) const noexcept {
    char padded[9] = {};
    const std::size_t left = byte < bytes_.size() ? bytes_.size() - byte : 0;
    std::memcpy(padded, bytes_.data() + (left ? byte : 0), left < sizeof padded ? left : 9);
    return Join(padded, shift, width);
  }
  std::string_view bytes_;
};

}  // namespace tracestore::column
