// The value blob: how an array or a map is kept as one string of bytes.
//
// A stream of tokens, written and read without recursion (docs/format/value-blob.md):
//   0x00 empty | 0x01 string: varint length, bytes | 0x02 false | 0x12 true
//   0x03 int: zigzag varint | 0x04 double: 8 bytes little-endian | 0x05 bytes: varint length, bytes
//   0x06 array begins | 0x07 map begins | 0x0F ends
//   0x08 key of the entry whose value follows: varint length, bytes
// The blob of an array attribute is the tokens of its items, that of a map attribute the tokens of
// its entries: the outermost begin and end are not written.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/span_types.h>
#include <tracestore/status.h>

#include "base/bytes.h"

namespace tracestore::model {

// Arrays and maps within one attribute, the outermost included. protobuf's own readers stop at 100
// messages, two a level.
inline constexpr unsigned kMaxValueDepth = 48;

class ValueBlobWriter {
 public:
  explicit ValueBlobWriter(std::string& out) noexcept : out_(out) {}
  void Empty() { out_.U8(0x00); }
  void String(std::string_view text) { out_.U8(0x01); out_.Bytes(text); }
  void Bool(bool value) { out_.U8(value ? 0x12 : 0x02); }
  void Int(std::int64_t value) { out_.U8(0x03); out_.SignedVarint(value); }
  void Double(double value);
  void Bytes(std::string_view bytes) { out_.U8(0x05); out_.Bytes(bytes); }
  void BeginArray() { out_.U8(0x06); }
  void BeginMap() { out_.U8(0x07); }
  void Key(std::string_view key) { out_.U8(0x08); out_.Bytes(key); }
  void End() { out_.U8(0x0F); }

 private:
  base::ByteWriter out_;
};

struct ValueToken {
  enum class Kind : std::uint8_t { kScalar, kBeginArray, kBeginMap, kKey, kEnd, kDone, kBad };
  Kind kind = Kind::kDone;
  ValueType type = ValueType::kEmpty;  // of a scalar
  std::string_view text;               // kString, kBytes, kKey
  std::int64_t integer = 0;            // kInt, kBool
  double number = 0;                   // kDouble
};

// Gives the tokens of a blob one by one; kDone at a right end, kBad for good at anything else
// (truncation, an unknown token, a key outside a map, a value without its key, too deep).
class ValueBlobReader {
 public:
  ValueBlobReader(std::string_view blob, ValueType container);
  ValueToken Next();
  // Containers open now, the outermost included.
  std::size_t depth() const noexcept { return open_.size(); }

 private:
  ValueToken Bad();
  bool TakeValuePlace();

  base::ByteReader in_;
  std::vector<bool> open_;  // true: a map
  bool key_seen_ = false;
  bool bad_ = false;
};

// kCorruption where `blob` is no right blob of that container (kArray or kMap).
Status ValidateValueBlob(std::string_view blob, ValueType container);

// The blob as JSON: what Jaeger shows for an array or map, and the canonical text that equality
// compares. Bytes as base64, NaN and infinities as strings. "" for a bad blob.
std::string ValueBlobToJson(std::string_view blob, ValueType container);

}  // namespace tracestore::model
