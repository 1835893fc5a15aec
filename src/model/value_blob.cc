#include "model/value_blob.h"

#include <bit>

#include "model/text.h"

namespace tracestore::model {

void ValueBlobWriter::Double(double value) {
  out_.U8(0x04);
  out_.U64(std::bit_cast<std::uint64_t>(value));
}

ValueBlobReader::ValueBlobReader(std::string_view blob, ValueType container)
    : in_(blob), open_{container == ValueType::kMap} {}

ValueToken ValueBlobReader::Bad() {
  bad_ = true;
  ValueToken token;
  token.kind = ValueToken::Kind::kBad;
  return token;
}

// A value may stand where an array is open, or after its key in a map.
bool ValueBlobReader::TakeValuePlace() {
  if (!open_.back()) return true;
  const bool allowed = key_seen_;
  key_seen_ = false;
  return allowed;
}

ValueToken ValueBlobReader::Next() {
  using Kind = ValueToken::Kind;
  if (bad_) return Bad();
  if (in_.done()) return open_.size() == 1 && !key_seen_ ? ValueToken{} : Bad();
  const std::uint8_t tag = in_.U8();
  ValueToken token;
  if (tag == 0x0F) {
    if (open_.size() == 1 || key_seen_) return Bad();
    open_.pop_back();
    token.kind = Kind::kEnd;
    return token;
  }
  if (tag == 0x08) {
    if (!open_.back() || key_seen_) return Bad();
    key_seen_ = true;
    token.kind = Kind::kKey;
    token.text = in_.Bytes();
    return in_.ok() ? token : Bad();
  }
  if (!TakeValuePlace()) return Bad();
  if (tag == 0x06 || tag == 0x07) {
    if (open_.size() >= kMaxValueDepth) return Bad();
    open_.push_back(tag == 0x07);
    token.kind = tag == 0x07 ? Kind::kBeginMap : Kind::kBeginArray;
    return token;
  }
  token.kind = Kind::kScalar;
  switch (tag) {
    case 0x00: token.type = ValueType::kEmpty; break;
    case 0x01: token.type = ValueType::kString; token.text = in_.Bytes(); break;
    case 0x02: token.type = ValueType::kBool; break;
    case 0x12: token.type = ValueType::kBool; token.integer = 1; break;
    case 0x03: token.type = ValueType::kInt; token.integer = in_.SignedVarint(); break;
    case 0x04:
      token.type = ValueType::kDouble;
      token.number = std::bit_cast<double>(in_.U64());
      break;
    case 0x05: token.type = ValueType::kBytes; token.text = in_.Bytes(); break;
    default: return Bad();
  }
  return in_.ok() ? token : Bad();
}

Status ValidateValueBlob(std::string_view blob, ValueType container) {
  ValueBlobReader reader(blob, container);
  while (true) {
    const ValueToken token = reader.Next();
    if (token.kind == ValueToken::Kind::kDone) return {};
    if (token.kind == ValueToken::Kind::kBad)
      return Error(ErrorCode::kCorruption, "an array or map value is damaged or too deep");
  }
}

namespace {

void AppendScalarJson(const ValueToken& token, std::string& out) {
  switch (token.type) {
    case ValueType::kString: AppendJsonString(token.text, out); break;
    case ValueType::kBool: out += token.integer != 0 ? "true" : "false"; break;
    case ValueType::kInt: out += std::to_string(token.integer); break;
    case ValueType::kDouble: {
      std::string text;
      AppendDouble(token.number, text);
      const bool finite = text != "NaN" && text.find('I') == std::string::npos;
      if (finite) out += text; else AppendJsonString(text, out);
      break;
    }
    case ValueType::kBytes:
      out += '"';
      AppendBase64(token.text, out);
      out += '"';
      break;
    default: out += "null"; break;
  }
}

}  // namespace

std::string ValueBlobToJson(std::string_view blob, ValueType container) {
  using Kind = ValueToken::Kind;
  std::string out(1, container == ValueType::kMap ? '{' : '[');
  std::vector<bool> maps{container == ValueType::kMap};
  ValueBlobReader reader(blob, container);
  bool first = true;
  bool after_key = false;
  while (true) {
    const ValueToken token = reader.Next();
    if (token.kind == Kind::kBad) return {};
    if (token.kind == Kind::kDone || token.kind == Kind::kEnd) {
      out += maps.back() ? '}' : ']';
      maps.pop_back();
      if (token.kind == Kind::kDone) return out;
      first = false;
      continue;
    }
    if (!first && !after_key) out += ',';
    first = after_key = false;
    if (token.kind == Kind::kKey) {
      AppendJsonString(token.text, out);
      out += ':';
      after_key = true;
    } else if (token.kind == Kind::kScalar) {
      AppendScalarJson(token, out);
    } else {
      const bool map = token.kind == Kind::kBeginMap;
      out += map ? '{' : '[';
      maps.push_back(map);
      first = true;
    }
  }
}

}  // namespace tracestore::model
