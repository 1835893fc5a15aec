// ValueDecoder: the arrays and maps of an AnyValue to a value blob, with an explicit stack.
#pragma once
#include <tracestore/span_types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/wire/wire_reader.h"

namespace tracestore::codec {

// What an AnyValue holds. Of several values the last one counts; two arrays, or two maps, in a row
// are one, as protobuf merges messages.
struct DecodedValue {
  ValueType type = ValueType::kEmpty;
  std::uint64_t bits = 0;  // kBool, kInt, kDouble (IEEE 754)
  std::string_view text;   // kString, kBytes: borrowed from the message
};

// Reused from value to value, so that nothing is allocated for one. Threads: one.
class ValueDecoder {
 public:
  enum class Outcome : std::uint8_t { kOk, kMalformed, kTooDeep };

  // Reads an AnyValue message into `value`, on top of what it holds from an earlier occurrence of
  // the same field. An array or map stands in blob() afterwards.
  Outcome Decode(std::string_view message, DecodedValue& value);

  const std::string& blob() const noexcept { return blob_; }

  // The breach after kMalformed, as WireReader names it.
  const char* problem() const noexcept { return problem_; }
  const char* problem_at() const noexcept { return problem_at_; }

 private:
  enum class FrameKind : std::uint8_t { kArray, kMap, kEntry, kAny };
  struct Frame {
    WireReader reader;
    FrameKind kind = FrameKind::kAny;
    bool has_value = false;              // kEntry: a value was met, its tokens begin at value_begin
    ValueType type = ValueType::kEmpty;  // kAny, kEntry: of the value so far
    std::size_t begin = 0;               // kEntry: where its tokens begin in the blob
    std::size_t value_begin = 0;         // kAny, kEntry: where the value's tokens begin
    std::string_view key;                // kEntry: the last met
    std::string_view written_key;        // kEntry: the one in the blob
  };

  Outcome DecodeContainer(std::string_view list, ValueType type);
  Outcome StepAny(Frame& frame);
  Outcome StepContainer(Frame& frame);
  Outcome StepEntry(Frame& frame);
  Outcome OpenContainer(Frame& frame, ValueType type);
  void CloseAny();
  void CloseEntry(Frame& entry);
  void WriteScalar(Frame& frame, ValueType type, const DecodedValue& value);
  Outcome Malformed(const WireReader& reader) noexcept;
  void Push(std::string_view message, FrameKind kind);

  std::string blob_;
  std::vector<Frame> stack_;
  unsigned containers_ = 0;  // open now
  const char* problem_ = nullptr;
  const char* problem_at_ = nullptr;
};

}  // namespace tracestore::codec
