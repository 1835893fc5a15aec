// ThriftReader: Apache Thrift's binary and compact protocol, value by value, without copies.
//
// Facts: https://github.com/apache/thrift/tree/master/doc/specs (thrift-binary-protocol.md,
// thrift-compact-protocol.md). Ours beside libthrift, because spans come in by it: nothing is
// copied or thrown, a list's announced length is held against the bytes that are left before
// anybody makes room for it, and a refusal names the byte. Tests hold it equal to libthrift.
//
//   ThriftReader in(bytes, ThriftProtocol::kCompact);
//   ThriftField field;                              // of one struct
//   while (in.Next(field)) {
//     switch (field.tag()) {
//       case ThriftTag(1, ThriftType::kString): name = in.Bytes(); break;
//       case ThriftTag(2, ThriftType::kBool): flag = in.Bool(field); break;
//       case ThriftTag(3, ThriftType::kList):
//         for (std::uint32_t left = in.List().size; left > 0 && in.ok(); --left) ReadItem(in);
//         break;
//       default: in.Skip(field);
//     }
//   }
//   if (!in.ok()) return in.error();
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <string_view>

namespace tracestore::codec {

enum class ThriftProtocol : std::uint8_t { kBinary, kCompact };

// The binary protocol's numbers; the compact ones are mapped on them.
enum class ThriftType : std::uint8_t {
  kStop = 0,
  kBool = 2,
  kByte = 3,
  kDouble = 4,
  kI16 = 6,
  kI32 = 8,
  kI64 = 10,
  kString = 11,  // and bytes
  kStruct = 12,
  kMap = 13,
  kSet = 14,
  kList = 15,
};

// A field's number and type in one, to switch on: a field of another type than the IDL's is
// skipped, as generated code does.
constexpr std::uint32_t ThriftTag(std::int16_t id, ThriftType type) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint16_t>(id)) << 8 |
         static_cast<std::uint32_t>(type);
}

// Where the reading of one struct stands. A fresh one begins a struct.
struct ThriftField {
  std::int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  bool compact_bool = false;  // the compact protocol keeps a bool field's value in its type

  std::uint32_t tag() const noexcept { return ThriftTag(id, type); }
};

struct ThriftList {
  ThriftType element = ThriftType::kStop;
  std::uint32_t size = 0;  // no more than the bytes that are left
};

struct ThriftMap {
  ThriftType key = ThriftType::kStop;
  ThriftType value = ThriftType::kStop;
  std::uint32_t size = 0;  // entries; no more than half the bytes that are left
};

enum class ThriftMessageType : std::uint8_t { kCall = 1, kReply = 2, kException = 3, kOneway = 4 };

// What stands in front of a call's arguments.
struct ThriftMessage {
  std::string_view name;
  ThriftMessageType type = ThriftMessageType::kCall;
  std::int32_t sequence = 0;
};

// Reads borrowed bytes. After the first breach of the format ok() is false for good, Next() gives
// false and values are 0 or "". Threads: one.
class ThriftReader {
 public:
  // Structs, lists, sets and maps that Skip() follows into each other; libthrift's own limit.
  static constexpr unsigned kMaxDepth = 64;

  ThriftReader(std::string_view bytes, ThriftProtocol protocol) noexcept
      : begin_(bytes.data()),
        at_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        compact_(protocol == ThriftProtocol::kCompact) {}

  // The header of a message; of the binary protocol both the strict and the old form.
  ThriftMessage Message() noexcept;

  // To the next field of the struct that `field` stands in; false at its end and at a breach. The
  // value of the field before must have been read or skipped.
  bool Next(ThriftField& field) noexcept;

  // The value of the field just met.
  bool Bool(const ThriftField& field) noexcept {
    return compact_ ? field.compact_bool : Byte() != 0;
  }
  // A bool in a list or map.
  bool BoolElement() noexcept { return compact_ ? Byte() == 1 : Byte() != 0; }
  std::int8_t Byte() noexcept;
  std::int16_t I16() noexcept;
  std::int32_t I32() noexcept;
  std::int64_t I64() noexcept;
  std::uint64_t DoubleBits() noexcept;  // IEEE 754
  std::string_view Bytes() noexcept;
  // Of a list or set; its elements follow.
  ThriftList List() noexcept;
  ThriftMap Map() noexcept;

  // Passes over the value of the field just met.
  void Skip(const ThriftField& field) noexcept;
  // Passes over an element of a list or map.
  void SkipElement(ThriftType type) noexcept;

  bool ok() const noexcept { return problem_ == nullptr; }
  // What is wrong, as kInvalidArgument: "not Thrift: a string runs past the end at byte 17".
  Error error() const;
  // For a breach of the IDL that the caller finds: the first problem counts. `problem` must live as
  // long as the reader. Always false.
  bool Fail(const char* problem) noexcept;

  std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

 private:
  struct Frame;

  std::uint64_t Varint() noexcept {
    if (at_ != end_ && static_cast<signed char>(*at_) >= 0)
      return static_cast<std::uint8_t>(*at_++);
    return LongVarint();
  }
  std::uint64_t LongVarint() noexcept;
  template <typename T>
  T BigEndian() noexcept;
  std::int32_t I32Varint() noexcept;
  ThriftType TypeOf(std::uint8_t number) noexcept;
  std::uint32_t Count(std::int64_t size, std::size_t least_bytes_each) noexcept;
  std::string_view Take(std::int64_t size) noexcept;
  void SkipScalar(ThriftType type) noexcept;
  bool Push(Frame* frames, unsigned& depth, ThriftType type) noexcept;

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* problem_ = nullptr;
  std::size_t problem_at_ = 0;
  bool compact_;
};

}  // namespace tracestore::codec
