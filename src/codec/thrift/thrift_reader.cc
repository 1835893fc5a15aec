// Layout of what is read (docs/format/thrift.md): binary is big-endian and fixed, compact is
// varints with zigzag, field numbers as differences, and a bool's value in its field's type.
#include "codec/thrift/thrift_reader.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string>

#include "base/bytes.h"

namespace tracestore::codec {
namespace {

constexpr std::uint8_t kCompactId = 0x82;
constexpr std::uint8_t kCompactVersion = 1;  // in the low five bits; the type stands above
constexpr std::uint32_t kBinaryVersion = 0x80010000;
constexpr std::uint32_t kBinaryVersionMask = 0xFFFF0000;

// By compact number; 1 and 2 are true and false. 0xFF: none.
constexpr std::array<std::uint8_t, 16> kCompactTypes = {0,  2,  2,  3,  6,  8,    10,   4,
                                                        11, 15, 14, 13, 12, 0xFF, 0xFF, 0xFF};
constexpr std::uint8_t kCompactTrue = 1;

// Bytes that a value takes at least: binary, compact.
std::size_t LeastBytes(ThriftType type, bool compact) noexcept {
  switch (type) {
    case ThriftType::kDouble: return 8;
    case ThriftType::kI16: return compact ? 1 : 2;
    case ThriftType::kI32:
    case ThriftType::kString: return compact ? 1 : 4;
    case ThriftType::kI64: return compact ? 1 : 8;
    case ThriftType::kList:
    case ThriftType::kSet: return compact ? 1 : 5;
    case ThriftType::kMap: return compact ? 1 : 6;
    default: return 1;
  }
}

bool IsNested(ThriftType type) noexcept { return type >= ThriftType::kStruct; }

std::int32_t UnZigZag32(std::uint32_t v) noexcept {
  return static_cast<std::int32_t>((v >> 1) ^ (~(v & 1) + 1));
}

}  // namespace

// One struct, list or map that Skip() is within.
struct ThriftReader::Frame {
  ThriftType type = ThriftType::kStop;
  ThriftField field;       // of a struct
  ThriftType key, value;   // of a map; of a list both are the element's
  std::uint64_t left = 0;  // values still to come, keys counted
};

bool ThriftReader::Fail(const char* problem) noexcept {
  if (problem_ == nullptr) {
    problem_ = problem;
    problem_at_ = position();
  }
  at_ = end_;
  return false;
}

Error ThriftReader::error() const {
  return {ErrorCode::kInvalidArgument, std::string("not Thrift: ") +
                                           (problem_ == nullptr ? "" : problem_) + " at byte " +
                                           std::to_string(problem_at_)};
}

std::uint64_t ThriftReader::LongVarint() noexcept {
  std::uint64_t sum = 0;
  const char* at = at_;
  // 10 bytes at most; what a tenth has above bit 63 is dropped, as libthrift drops it.
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (at == end_) {
      Fail("a number runs past the end");
      return 0;
    }
    const auto byte = static_cast<std::uint8_t>(*at++);
    sum |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      at_ = at;
      return sum;
    }
  }
  Fail("a varint is longer than 10 bytes");
  return 0;
}

template <typename T>
T ThriftReader::BigEndian() noexcept {
  if (left() < sizeof(T)) {
    Fail("a number runs past the end");
    return 0;
  }
  T value = base::LoadLe<T>(at_);
  at_ += sizeof(T);
  if constexpr (sizeof(T) == 2) value = static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  return value;
}

std::int32_t ThriftReader::I32Varint() noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(Varint()));
}

std::int8_t ThriftReader::Byte() noexcept {
  return static_cast<std::int8_t>(BigEndian<std::uint8_t>());
}
std::int16_t ThriftReader::I16() noexcept {
  if (!compact_) return static_cast<std::int16_t>(BigEndian<std::uint16_t>());
  return static_cast<std::int16_t>(UnZigZag32(static_cast<std::uint32_t>(Varint())));
}
std::int32_t ThriftReader::I32() noexcept {
  if (!compact_) return static_cast<std::int32_t>(BigEndian<std::uint32_t>());
  return UnZigZag32(static_cast<std::uint32_t>(Varint()));
}
std::int64_t ThriftReader::I64() noexcept {
  if (!compact_) return static_cast<std::int64_t>(BigEndian<std::uint64_t>());
  return base::UnZigZag(Varint());
}

std::uint64_t ThriftReader::DoubleBits() noexcept {
  if (!compact_) return BigEndian<std::uint64_t>();
  if (left() < 8) {
    Fail("a number runs past the end");
    return 0;
  }
  const auto bits = base::LoadLe<std::uint64_t>(at_);
  at_ += 8;
  return bits;
}

std::string_view ThriftReader::Take(std::int64_t size) noexcept {
  if (size < 0) {
    Fail("a string has a negative length");
    return {};
  }
  if (static_cast<std::uint64_t>(size) > left()) {
    Fail("a string runs past the end");
    return {};
  }
  const std::string_view bytes(at_, static_cast<std::size_t>(size));
  at_ += size;
  return bytes;
}

std::string_view ThriftReader::Bytes() noexcept {
  return Take(compact_ ? I32Varint() : static_cast<std::int32_t>(BigEndian<std::uint32_t>()));
}

ThriftType ThriftReader::TypeOf(std::uint8_t number) noexcept {
  if (compact_) number = number < kCompactTypes.size() ? kCompactTypes[number] : 0xFF;
  switch (const auto type = static_cast<ThriftType>(number)) {
    case ThriftType::kStop:
    case ThriftType::kBool:
    case ThriftType::kByte:
    case ThriftType::kDouble:
    case ThriftType::kI16:
    case ThriftType::kI32:
    case ThriftType::kI64:
    case ThriftType::kString:
    case ThriftType::kStruct:
    case ThriftType::kMap:
    case ThriftType::kSet:
    case ThriftType::kList: return type;
  }
  Fail("a type is unknown");
  return ThriftType::kStop;
}

// A count is believed where so many values can still stand in what is left.
std::uint32_t ThriftReader::Count(std::int64_t size, std::size_t least_bytes_each) noexcept {
  if (!ok()) return 0;
  if (size < 0) {
    Fail("a list has a negative length");
    return 0;
  }
  if (static_cast<std::uint64_t>(size) > left() / least_bytes_each) {
    Fail("a list announces more than is left");
    return 0;
  }
  return static_cast<std::uint32_t>(size);
}

ThriftList ThriftReader::List() noexcept {
  ThriftList list;
  std::int64_t size = 0;
  const auto head = static_cast<std::uint8_t>(Byte());
  if (compact_) {
    list.element = TypeOf(head & 0x0F);
    size = head >> 4;
    if (size == 15) size = I32Varint();
  } else {
    list.element = TypeOf(head);
    size = I32();
  }
  // Readers of generated code don't look at the element's type, and senders of empty lists write
  // any: the count is held against one byte each, which every value has.
  list.size = Count(size, 1);
  return list;
}

ThriftMap ThriftReader::Map() noexcept {
  ThriftMap map;
  std::int64_t size = 0;
  if (compact_) {
    size = I32Varint();
    const std::uint8_t types = size == 0 ? 0 : static_cast<std::uint8_t>(Byte());
    map.key = TypeOf(types >> 4);
    map.value = TypeOf(types & 0x0F);
  } else {
    map.key = TypeOf(static_cast<std::uint8_t>(Byte()));
    map.value = TypeOf(static_cast<std::uint8_t>(Byte()));
    size = I32();
  }
  map.size = Count(size, 2);
  return map;
}

bool ThriftReader::Next(ThriftField& field) noexcept {
  if (at_ == end_) return Fail("a struct doesn't end");
  const auto head = static_cast<std::uint8_t>(*at_++);
  if (!compact_) {
    if (head == 0) return false;
    field.type = TypeOf(head);
    field.id = I16();
    return ok();
  }
  const std::uint8_t number = head & 0x0F;
  if (number == 0) return false;
  const std::uint8_t delta = head >> 4;
  field.id = delta == 0 ? I16() : static_cast<std::int16_t>(field.id + delta);
  field.compact_bool = number == kCompactTrue;
  field.type = TypeOf(number);
  return ok();
}

ThriftMessage ThriftReader::Message() noexcept {
  ThriftMessage message;
  std::uint8_t type = 0;
  if (compact_) {
    if (static_cast<std::uint8_t>(Byte()) != kCompactId)
      Fail("no message of the compact protocol begins");
    const auto version = static_cast<std::uint8_t>(Byte());
    if ((version & 0x1F) != kCompactVersion) Fail("the compact protocol's version is not 1");
    type = version >> 5;
    message.sequence = I32Varint();
    message.name = Bytes();
  } else {
    const std::int32_t head = I32();
    if (head < 0) {  // strict: version and type, then name and sequence
      if ((static_cast<std::uint32_t>(head) & kBinaryVersionMask) != kBinaryVersion)
        Fail("the binary protocol's version is not 1");
      type = static_cast<std::uint8_t>(head);
      message.name = Bytes();
    } else {  // old: the name with its length, then type and sequence
      message.name = Take(head);
      type = static_cast<std::uint8_t>(Byte());
    }
    message.sequence = I32();
  }
  if (ok() && (type < 1 || type > 4)) Fail("the type of the message is unknown");
  if (!ok()) return {};
  message.type = static_cast<ThriftMessageType>(type);
  return message;
}

void ThriftReader::SkipScalar(ThriftType type) noexcept {
  switch (type) {
    case ThriftType::kBool:
    case ThriftType::kByte: Byte(); break;
    case ThriftType::kDouble: DoubleBits(); break;
    case ThriftType::kI16: I16(); break;
    case ThriftType::kI32: I32(); break;
    case ThriftType::kI64: I64(); break;
    case ThriftType::kString: Bytes(); break;
    default: Fail("a value has no type");
  }
}

void ThriftReader::Skip(const ThriftField& field) noexcept {
  if (field.type == ThriftType::kBool && compact_) return;  // its value is its type
  SkipElement(field.type);
}

// Enters a struct, list or map, or passes over a scalar.
bool ThriftReader::Push(Frame* frames, unsigned& depth, ThriftType type) noexcept {
  if (!IsNested(type)) {
    SkipScalar(type);
    return ok();
  }
  if (depth == kMaxDepth) return Fail("values are nested too deep");
  Frame& frame = frames[depth++];
  frame = {};
  frame.type = type;
  if (type == ThriftType::kMap) {
    const ThriftMap map = Map();
    frame.key = map.key;
    frame.value = map.value;
    frame.left = std::uint64_t{2} * map.size;
  } else if (type != ThriftType::kStruct) {
    const ThriftList list = List();
    frame.key = frame.value = list.element;
    frame.left = list.size;
    if (list.size > left() / LeastBytes(list.element, compact_))
      return Fail("a list announces more than is left");
  }
  return ok();
}

void ThriftReader::SkipElement(ThriftType type) noexcept {
  if (!IsNested(type)) return SkipScalar(type);
  std::array<Frame, kMaxDepth> frames;
  unsigned depth = 0;
  if (!Push(frames.data(), depth, type)) return;
  while (depth > 0 && ok()) {
    Frame& frame = frames[depth - 1];
    if (frame.type == ThriftType::kStruct) {
      if (!Next(frame.field)) {
        --depth;
      } else if (frame.field.type != ThriftType::kBool || !compact_) {
        Push(frames.data(), depth, frame.field.type);
      }
    } else if (frame.left == 0) {
      --depth;
    } else {
      const bool key = frame.type == ThriftType::kMap && frame.left % 2 == 0;
      --frame.left;
      Push(frames.data(), depth, key ? frame.key : frame.value);
    }
  }
}

}  // namespace tracestore::codec
