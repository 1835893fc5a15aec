#include "codec/otlp/value_decoder.h"

#include <bit>

#include "codec/otlp/otlp_fields.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

namespace field = otlp_field;

// Reads the field under `reader` if it is a scalar of AnyValue. False for every other field.
bool ReadScalar(WireReader& reader, DecodedValue& value) {
  switch (reader.tag()) {
    case WireTag(field::kAnyString, kWireBytes):
      value = {ValueType::kString, 0, reader.Bytes()};
      return true;
    case WireTag(field::kAnyBool, kWireVarint):
      value = {ValueType::kBool, reader.Varint() != 0 ? 1U : 0U, {}};
      return true;
    case WireTag(field::kAnyInt, kWireVarint):
      value = {ValueType::kInt, reader.Varint(), {}};
      return true;
    case WireTag(field::kAnyDouble, kWireFixed64):
      value = {ValueType::kDouble, reader.Fixed64(), {}};
      return true;
    case WireTag(field::kAnyBytes, kWireBytes):
      value = {ValueType::kBytes, 0, reader.Bytes()};
      return true;
    default: return false;
  }
}

ValueType ContainerOf(std::uint32_t tag) noexcept {
  if (tag == WireTag(field::kAnyArray, kWireBytes)) return ValueType::kArray;
  if (tag == WireTag(field::kAnyKvList, kWireBytes)) return ValueType::kMap;
  return ValueType::kEmpty;
}

}  // namespace

ValueDecoder::Outcome ValueDecoder::Malformed(const WireReader& reader) noexcept {
  problem_ = reader.problem();
  problem_at_ = reader.problem_at();
  return Outcome::kMalformed;
}

void ValueDecoder::Push(std::string_view message, FrameKind kind) {
  Frame& frame = stack_.emplace_back();
  frame.reader = WireReader(message);
  frame.kind = kind;
  frame.begin = frame.value_begin = blob_.size();
}

ValueDecoder::Outcome ValueDecoder::Decode(std::string_view message, DecodedValue& value) {
  WireReader reader(message);
  while (reader.Next()) {
    if (ReadScalar(reader, value)) continue;
    const ValueType type = ContainerOf(reader.tag());
    if (type == ValueType::kEmpty) {
      reader.Skip();
      continue;
    }
    const std::string_view list = reader.Bytes();
    if (!reader.ok()) break;
    if (value.type != type) blob_.clear();
    value = {type, 0, {}};
    const Outcome outcome = DecodeContainer(list, type);
    if (outcome != Outcome::kOk) return outcome;
  }
  return reader.ok() ? Outcome::kOk : Malformed(reader);
}

ValueDecoder::Outcome ValueDecoder::DecodeContainer(std::string_view list, ValueType type) {
  stack_.clear();
  containers_ = 1;
  Push(list, type == ValueType::kMap ? FrameKind::kMap : FrameKind::kArray);
  while (!stack_.empty()) {
    Frame& frame = stack_.back();
    if (!frame.reader.Next()) {
      if (!frame.reader.ok()) return Malformed(frame.reader);
      switch (frame.kind) {
        case FrameKind::kAny: CloseAny(); break;
        case FrameKind::kEntry:
          CloseEntry(frame);
          stack_.pop_back();
          break;
        default:
          stack_.pop_back();
          --containers_;
          if (!stack_.empty()) model::ValueBlobWriter(blob_).End();
      }
      continue;
    }
    Outcome outcome = Outcome::kOk;
    switch (frame.kind) {
      case FrameKind::kAny: outcome = StepAny(frame); break;
      case FrameKind::kEntry: outcome = StepEntry(frame); break;
      default: outcome = StepContainer(frame);
    }
    if (outcome != Outcome::kOk) return outcome;
  }
  return Outcome::kOk;
}

ValueDecoder::Outcome ValueDecoder::StepContainer(Frame& frame) {
  if (frame.reader.tag() != WireTag(field::kListValues, kWireBytes)) {
    frame.reader.Skip();
    return frame.reader.ok() ? Outcome::kOk : Malformed(frame.reader);
  }
  const std::string_view item = frame.reader.Bytes();
  if (!frame.reader.ok()) return Malformed(frame.reader);
  Push(item, frame.kind == FrameKind::kMap ? FrameKind::kEntry : FrameKind::kAny);
  return Outcome::kOk;
}

ValueDecoder::Outcome ValueDecoder::StepEntry(Frame& frame) {
  switch (frame.reader.tag()) {
    case WireTag(field::kKeyValueKey, kWireBytes): frame.key = frame.reader.Bytes(); break;
    case WireTag(field::kKeyValueValue, kWireBytes): {
      const std::string_view value = frame.reader.Bytes();
      if (!frame.reader.ok()) break;
      if (!frame.has_value) {
        model::ValueBlobWriter(blob_).Key(frame.key);
        frame.written_key = frame.key;
        frame.value_begin = blob_.size();
        frame.has_value = true;
      }
      const ValueType type = frame.type;
      const std::size_t value_begin = frame.value_begin;
      Push(value, FrameKind::kAny);  // `frame` may have moved
      stack_.back().type = type;
      stack_.back().value_begin = value_begin;
      return Outcome::kOk;
    }
    default: frame.reader.Skip();
  }
  return frame.reader.ok() ? Outcome::kOk : Malformed(frame.reader);
}

ValueDecoder::Outcome ValueDecoder::StepAny(Frame& frame) {
  DecodedValue value;
  if (ReadScalar(frame.reader, value)) {
    if (!frame.reader.ok()) return Malformed(frame.reader);
    WriteScalar(frame, value.type, value);
    return Outcome::kOk;
  }
  const ValueType type = ContainerOf(frame.reader.tag());
  if (type != ValueType::kEmpty) return OpenContainer(frame, type);
  frame.reader.Skip();
  return frame.reader.ok() ? Outcome::kOk : Malformed(frame.reader);
}

ValueDecoder::Outcome ValueDecoder::OpenContainer(Frame& frame, ValueType type) {
  const std::string_view list = frame.reader.Bytes();
  if (!frame.reader.ok()) return Malformed(frame.reader);
  if (containers_ >= model::kMaxValueDepth) return Outcome::kTooDeep;
  if (frame.type == type) {
    blob_.pop_back();  // its end token: what follows belongs to the same list
  } else {
    blob_.resize(frame.value_begin);
    model::ValueBlobWriter writer(blob_);
    if (type == ValueType::kMap)
      writer.BeginMap();
    else
      writer.BeginArray();
    frame.type = type;
  }
  ++containers_;
  Push(list, type == ValueType::kMap ? FrameKind::kMap : FrameKind::kArray);
  return Outcome::kOk;
}

void ValueDecoder::WriteScalar(Frame& frame, ValueType type, const DecodedValue& value) {
  blob_.resize(frame.value_begin);
  frame.type = type;
  model::ValueBlobWriter writer(blob_);
  switch (type) {
    case ValueType::kString: writer.String(value.text); break;
    case ValueType::kBool: writer.Bool(value.bits != 0); break;
    case ValueType::kInt: writer.Int(static_cast<std::int64_t>(value.bits)); break;
    case ValueType::kDouble: writer.Double(std::bit_cast<double>(value.bits)); break;
    default: writer.Bytes(value.text); break;
  }
}

// Ends the value on top of the stack. In a map its entry is the frame below.
void ValueDecoder::CloseAny() {
  const ValueType type = stack_.back().type;
  if (type == ValueType::kEmpty && blob_.size() == stack_.back().value_begin)
    model::ValueBlobWriter(blob_).Empty();
  stack_.pop_back();
  Frame& owner = stack_.back();
  if (owner.kind == FrameKind::kEntry) owner.type = type;
}

void ValueDecoder::CloseEntry(Frame& entry) {
  model::ValueBlobWriter writer(blob_);
  if (!entry.has_value) {
    writer.Key(entry.key);
    writer.Empty();
  } else if (entry.key != entry.written_key) {  // a key after its value
    std::string key;
    model::ValueBlobWriter(key).Key(entry.key);
    blob_.replace(entry.begin, entry.value_begin - entry.begin, key);
  }
}

}  // namespace tracestore::codec
