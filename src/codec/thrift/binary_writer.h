// ThriftBinaryWriter: Thrift's binary protocol, value by value, for small answers and for what is
// written without libthrift (docs/format/thrift.md).
#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "codec/thrift/thrift_reader.h"

namespace tracestore::codec {

// Appends to a borrowed string. A struct is its fields and Stop(); a list is its head and its
// elements. Texts are shorter than 4 GiB. Threads: one.
class ThriftBinaryWriter {
 public:
  explicit ThriftBinaryWriter(std::string& out) noexcept : out_(out) {}

  // The head of a field whose value follows.
  void Begin(std::int16_t number, ThriftType type) {
    Byte(static_cast<std::uint8_t>(type));
    I16(static_cast<std::uint16_t>(number));
  }
  // The head of a list; its elements follow.
  void Elements(ThriftType type, std::size_t size) {
    Byte(static_cast<std::uint8_t>(type));
    I32(static_cast<std::uint32_t>(size));
  }
  void ListField(std::int16_t number, ThriftType type, std::size_t size) {
    Begin(number, ThriftType::kList);
    Elements(type, size);
  }
  void Stop() { Byte(0); }

  void BoolField(std::int16_t number, bool value) {
    Begin(number, ThriftType::kBool);
    Byte(value ? 1 : 0);
  }
  void I16Field(std::int16_t number, std::uint16_t value) {
    Begin(number, ThriftType::kI16);
    I16(value);
  }
  void I32Field(std::int16_t number, std::uint32_t value) {
    Begin(number, ThriftType::kI32);
    I32(value);
  }
  void I64Field(std::int16_t number, std::uint64_t value) {
    Begin(number, ThriftType::kI64);
    I64(value);
  }
  void DoubleField(std::int16_t number, double value) {
    Begin(number, ThriftType::kDouble);
    I64(std::bit_cast<std::uint64_t>(value));
  }
  void TextField(std::int16_t number, std::string_view text) {
    Begin(number, ThriftType::kString);
    Text(text);
  }

  void Byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void I16(std::uint16_t value) { Big(__builtin_bswap16(value)); }
  void I32(std::uint32_t value) { Big(__builtin_bswap32(value)); }
  void I64(std::uint64_t value) { Big(__builtin_bswap64(value)); }
  void Text(std::string_view text) {
    I32(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }

 private:
  template <typename T>
  void Big(T swapped) {
    char bytes[sizeof(T)];
    base::StoreLe(bytes, swapped);
    out_.append(bytes, sizeof(T));
  }

  std::string& out_;
};

}  // namespace tracestore::codec
