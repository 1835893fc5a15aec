// WireReader and WireWriter: protobuf's wire format, field by field, without copies.
//
// Facts: https://protobuf.dev/programming-guides/encoding/. Ours in place of a library's, because a
// refusal must name the byte, and groups and reserved field numbers must pass as unknown fields,
// as protobuf's own parser lets them (docs/format/otlp.md).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tracestore::codec {

inline constexpr std::uint32_t kWireVarint = 0;
inline constexpr std::uint32_t kWireFixed64 = 1;
inline constexpr std::uint32_t kWireBytes = 2;
inline constexpr std::uint32_t kWireGroup = 3;
inline constexpr std::uint32_t kWireGroupEnd = 4;
inline constexpr std::uint32_t kWireFixed32 = 5;

// A field's number and wire type as they stand in front of it.
constexpr std::uint32_t WireTag(std::uint32_t field, std::uint32_t type) noexcept {
  return (field << 3) | type;
}

// Reads the fields of one message from borrowed bytes. After the first breach of the format ok() is
// false for good, Next() gives false and values are 0 or "".
class WireReader {
 public:
  WireReader() = default;
  explicit WireReader(std::string_view message) noexcept
      : at_(message.data()), end_(message.data() + message.size()) {}

  // To the next field; false at the end of the message and at a breach. The value of the field
  // before must have been read or skipped.
  bool Next() noexcept {
    if (at_ == end_) return false;
    field_begin_ = at_;
    // A tag is 32 bits (field numbers end at 2^29 - 1), in 5 bytes at most; what stands above is
    // dropped, as protobuf drops it. Number 0 is no field.
    tag_ = static_cast<std::uint32_t>(Varint());
    if (!ok()) return false;
    if (tag_ < 8 || at_ - field_begin_ > 5) return Fail("a field has no valid number");
    return true;
  }

  std::uint32_t tag() const noexcept { return tag_; }

  std::uint64_t Varint() noexcept {
    if (at_ != end_ && static_cast<signed char>(*at_) >= 0)
      return static_cast<std::uint8_t>(*at_++);
    std::uint64_t value = 0;
    const char* problem = nullptr;
    const char* const at = LongVarint(at_, end_, &value, &problem);
    if (problem != nullptr) {
      Fail(problem);
      return 0;
    }
    at_ = at;
    return value;
  }
  std::uint32_t Fixed32() noexcept { return Fixed<std::uint32_t>(); }
  std::uint64_t Fixed64() noexcept { return Fixed<std::uint64_t>(); }

  std::string_view Bytes() noexcept {
    const std::uint64_t size = Varint();
    if (size > static_cast<std::uint64_t>(end_ - at_)) {
      Fail("a field runs past the end of its message");
      return {};
    }
    const std::string_view bytes(at_, static_cast<std::size_t>(size));
    at_ += size;
    return bytes;
  }

  // Passes over the value of the field just met, whatever its type.
  void Skip() noexcept {
    const char* problem = nullptr;
    const char* const at = SkipValue(tag_, at_, end_, &problem);
    at_ = at;
    if (problem != nullptr) Fail(problem);
  }
  // The same, and gives the whole field with its tag, as it stands.
  std::string_view SkipRaw() noexcept {
    Skip();
    return {field_begin_, static_cast<std::size_t>(at_ - field_begin_)};
  }

  bool ok() const noexcept { return problem_ == nullptr; }
  // At the end of the message, and nothing was wrong.
  bool done() const noexcept { return ok() && at_ == end_; }
  // Where the breach was found, and what it is, as part of a sentence; nullptr while ok().
  const char* problem_at() const noexcept { return problem_at_; }
  const char* problem() const noexcept { return problem_; }

 private:
  // protobuf's own limit on nested groups and messages.
  static constexpr unsigned kMaxGroups = 100;

  bool Fail(const char* problem) noexcept {
    if (problem_ == nullptr) {
      problem_ = problem;
      problem_at_ = at_;
    }
    at_ = end_;
    return false;
  }
  // Out of line and without `this`, so that a reader can live in registers. Both give where they
  // ended; `problem` is set where the bytes break the format.
  static const char* LongVarint(const char* at, const char* end, std::uint64_t* value,
                                const char** problem) noexcept;
  static const char* SkipValue(std::uint32_t tag, const char* at, const char* end,
                               const char** problem) noexcept;
  void SkipPlain(std::uint32_t type) noexcept;
  void SkipGroup(std::uint32_t number) noexcept;

  template <typename T>
  T Fixed() noexcept {
    if (static_cast<std::size_t>(end_ - at_) < sizeof(T)) {
      Fail("a number runs past the end of its message");
      return 0;
    }
    const T value = base::LoadLe<T>(at_);
    at_ += sizeof(T);
    return value;
  }

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const char* field_begin_ = nullptr;
  const char* problem_at_ = nullptr;
  const char* problem_ = nullptr;
  std::uint32_t tag_ = 0;
};

// Appends fields to a string that the caller owns. Default values (0, "") are not written unless
// the name says so, as proto3 has it.
class WireWriter {
 public:
  explicit WireWriter(std::string& out) noexcept : out_(out), bytes_(out) {}

  void Uint(std::uint32_t field, std::uint64_t value) {
    if (value != 0) UintAlways(field, value);
  }
  void UintAlways(std::uint32_t field, std::uint64_t value) {
    bytes_.Varint(WireTag(field, kWireVarint));
    bytes_.Varint(value);
  }
  void Fixed32(std::uint32_t field, std::uint32_t value) {
    if (value == 0) return;
    bytes_.Varint(WireTag(field, kWireFixed32));
    bytes_.U32(value);
  }
  void Fixed64(std::uint32_t field, std::uint64_t value) {
    if (value != 0) Fixed64Always(field, value);
  }
  void Fixed64Always(std::uint32_t field, std::uint64_t value) {
    bytes_.Varint(WireTag(field, kWireFixed64));
    bytes_.U64(value);
  }
  void Bytes(std::uint32_t field, std::string_view value) {
    if (!value.empty()) BytesAlways(field, value);
  }
  void BytesAlways(std::uint32_t field, std::string_view value) {
    bytes_.Varint(WireTag(field, kWireBytes));
    bytes_.Bytes(value);
  }
  void Raw(std::string_view fields) { out_.append(fields); }

  // A message within: what is written between Begin and End. Its length stands before it, so End
  // moves the bytes of messages of 128 bytes and more by the length of their length.
  std::size_t Begin(std::uint32_t field) {
    bytes_.Varint(WireTag(field, kWireBytes));
    out_.push_back('\0');
    return out_.size();
  }
  void End(std::size_t begin);
  // Takes back a message in which nothing was written.
  void EndUnlessEmpty(std::uint32_t field, std::size_t begin);

 private:
  std::string& out_;
  base::ByteWriter bytes_;
};

}  // namespace tracestore::codec
