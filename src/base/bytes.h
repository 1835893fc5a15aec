// Little-endian byte writing and bounds-checked reading: the only way bytes enter or leave a
// format.
//
// Varints are LEB128 (as in protobuf), at most 10 bytes; signed values go through zigzag.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace tracestore::base {

static_assert(std::endian::native == std::endian::little,
              "formats are little-endian; a big-endian port needs byte swaps in LoadLe/StoreLe");

template <typename T>
T LoadLe(const void* from) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void StoreLe(void* to, T value) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof value);
}

constexpr std::uint64_t ZigZag(std::int64_t v) noexcept {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t UnZigZag(std::uint64_t v) noexcept {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

// Appends to a std::string that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) noexcept : out_(out) {}

  void U8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void U16(std::uint16_t v) { Fixed(v); }
  void U32(std::uint32_t v) { Fixed(v); }
  void U64(std::uint64_t v) { Fixed(v); }
  void Varint(std::uint64_t v) {
    char buffer[10];
    std::size_t n = 0;
    while (v >= 0x80) {
      buffer[n++] = static_cast<char>(v | 0x80);
      v >>= 7;
    }
    buffer[n++] = static_cast<char>(v);
    out_.append(buffer, n);
  }
  void SignedVarint(std::int64_t v) { Varint(ZigZag(v)); }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  // Varint length, then the bytes.
  void Bytes(std::string_view bytes) {
    Varint(bytes.size());
    out_.append(bytes);
  }
  std::size_t size() const noexcept { return out_.size(); }

 private:
  template <typename T>
  void Fixed(T v) {
    char buffer[sizeof v];
    StoreLe(buffer, v);
    out_.append(buffer, sizeof v);
  }
  std::string& out_;
};

// Reads from borrowed bytes. After the first read past the end (or bad varint) ok() is false for
// good, every further read gives 0 or "", and nothing is read outside the bytes.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) noexcept
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const noexcept { return ok_; }
  bool done() const noexcept { return at_ == end_; }
  std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

  std::uint8_t U8() noexcept { return Fixed<std::uint8_t>(); }
  std::uint16_t U16() noexcept { return Fixed<std::uint16_t>(); }
  std::uint32_t U32() noexcept { return Fixed<std::uint32_t>(); }
  std::uint64_t U64() noexcept { return Fixed<std::uint64_t>(); }

  std::uint64_t Varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*at_++);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    Fail();
    return 0;
  }
  std::int64_t SignedVarint() noexcept { return UnZigZag(Varint()); }

  // A varint that must not exceed `most` (a count or an index): refused before memory is taken.
  std::uint64_t BoundedVarint(std::uint64_t most) noexcept {
    const std::uint64_t value = Varint();
    if (value <= most) return value;
    Fail();
    return 0;
  }
  // The number of items still to come, each of at least `least_bytes`: bounded by what is left.
  std::size_t Count(std::size_t least_bytes = 1) noexcept {
    return static_cast<std::size_t>(BoundedVarint(remaining() / (least_bytes ? least_bytes : 1)));
  }

  std::string_view Raw(std::uint64_t size) noexcept {
    if (size > remaining()) {
      Fail();
      return {};
    }
    const std::string_view bytes(at_, static_cast<std::size_t>(size));
    at_ += size;
    return bytes;
  }
  std::string_view Bytes() noexcept { return Raw(Varint()); }

  void Fail() noexcept {
    ok_ = false;
    at_ = end_;
  }

 private:
  template <typename T>
  T Fixed() noexcept {
    if (remaining() < sizeof(T)) {
      Fail();
      return 0;
    }
    const T value = LoadLe<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  const char* begin_;
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace tracestore::base
