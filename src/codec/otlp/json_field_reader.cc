#include "codec/otlp/json_field_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "base/hex.h"
#include "codec/json/json_error.h"
#include "codec/otlp/span_rules.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

using model::StringId;
using simdjson::dom::element;
using simdjson::dom::element_type;

std::optional<std::uint64_t> UnsignedOf(element value) {
  switch (value.type()) {
    case element_type::UINT64: return value.get_uint64().value_unsafe();
    case element_type::INT64: {
      const std::int64_t number = value.get_int64().value_unsafe();
      if (number < 0) return std::nullopt;
      return static_cast<std::uint64_t>(number);
    }
    case element_type::DOUBLE: {
      const double number = value.get_double().value_unsafe();
      if (!(number >= 0 && number < 18446744073709551616.0) || std::trunc(number) != number)
        return std::nullopt;
      return static_cast<std::uint64_t>(number);
    }
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      std::uint64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
      return number;
    }
    default: return std::nullopt;
  }
}

constexpr std::string_view kEntryKeys[] = {"key", "value"};
constexpr std::string_view kValuesKeys[] = {"values"};

// What an AnyValue object holds: the type, and the JSON value of the last member that is set.
struct AnyValue {
  ValueType type = ValueType::kEmpty;
  element value;
};

AnyValue AnyOf(simdjson::dom::object object) {
  struct Member {
    std::string_view camel, snake;
    ValueType type;
  };
  static constexpr Member kMembers[] = {{"stringValue", "string_value", ValueType::kString},
                                        {"boolValue", "bool_value", ValueType::kBool},
                                        {"intValue", "int_value", ValueType::kInt},
                                        {"doubleValue", "double_value", ValueType::kDouble},
                                        {"arrayValue", "array_value", ValueType::kArray},
                                        {"kvlistValue", "kvlist_value", ValueType::kMap},
                                        {"bytesValue", "bytes_value", ValueType::kBytes}};
  AnyValue any;
  for (const auto field : object) {
    if (field.value.type() == element_type::NULL_VALUE) continue;
    for (const Member& member : kMembers) {
      if (field.key == member.camel || field.key == member.snake) any = {member.type, field.value};
    }
  }
  return any;
}

// A scalar as the model has it. False where the JSON value doesn't fit its member.
struct Scalar {
  std::uint64_t bits = 0;
  std::string_view text;
  std::string bytes;
};
bool ReadScalar(const AnyValue& any, Scalar& out) {
  switch (any.type) {
    case ValueType::kString:
      if (const auto text = TextOf(any.value))
        out.text = *text;
      else
        return false;
      return true;
    case ValueType::kBool:
      if (const auto value = BoolOf(any.value))
        out.bits = *value ? 1 : 0;
      else
        return false;
      return true;
    case ValueType::kInt:
      if (const auto value = IntegerOf(any.value)) {
        out.bits = static_cast<std::uint64_t>(*value);
        return true;
      }
      return false;
    case ValueType::kDouble:
      if (const auto value = DoubleOf(any.value)) {
        out.bits = std::bit_cast<std::uint64_t>(*value);
        return true;
      }
      return false;
    case ValueType::kBytes: {
      const auto text = TextOf(any.value);
      auto bytes = text ? model::DecodeBase64(*text) : std::nullopt;
      if (!bytes) return false;
      out.bytes = std::move(*bytes);
      out.text = out.bytes;
      return true;
    }
    default: return true;
  }
}

const char* WantedBy(ValueType type) {
  switch (type) {
    case ValueType::kString: return "a string";
    case ValueType::kBool: return "a boolean";
    case ValueType::kInt: return "a whole number of 64 bits";
    case ValueType::kDouble: return "a number";
    case ValueType::kBytes: return "base64";
    default: return "an object with a list of values";
  }
}

void WriteToken(ValueType type, const Scalar& scalar, std::string& blob) {
  model::ValueBlobWriter writer(blob);
  switch (type) {
    case ValueType::kString: writer.String(scalar.text); break;
    case ValueType::kBool: writer.Bool(scalar.bits != 0); break;
    case ValueType::kInt: writer.Int(static_cast<std::int64_t>(scalar.bits)); break;
    case ValueType::kDouble: writer.Double(std::bit_cast<double>(scalar.bits)); break;
    case ValueType::kBytes: writer.Bytes(scalar.text); break;
    default: writer.Empty();
  }
}

}  // namespace

std::string JsonFieldReader::ValueOf(StringId key) const {
  return "the value of attribute " + QuoteForMessage(out_.text(key));
}

bool JsonFieldReader::ReadText(const MaybeElement& value, const char* field, StringId& out) {
  if (!value) return true;
  const auto text = TextOf(*value);
  if (!text) return WrongType(field, *value, "a string");
  out = out_.strings.Intern(*text);
  return true;
}

bool JsonFieldReader::ReadNumber(const MaybeElement& value, const char* field, std::uint64_t& out) {
  if (!value) return true;
  const auto number = UnsignedOf(*value);
  if (!number) return WrongType(field, *value, "a whole number from 0 to 2^64 - 1");
  out = *number;
  return true;
}

bool JsonFieldReader::ReadCount(const MaybeElement& value, const char* field, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (!ReadNumber(value, field, number)) return false;
  if (number > std::numeric_limits<std::uint32_t>::max())
    return WrongType(field, *value, "a whole number below 2^32");
  out = static_cast<std::uint32_t>(number);
  return true;
}

bool JsonFieldReader::ReadEnum(const MaybeElement& value, const char* field, const EnumName* names,
                               std::size_t count, std::uint64_t& out) {
  if (!value) return true;
  if (const auto text = TextOf(*value)) {
    for (std::size_t i = 0; i < count; ++i) {
      if (names[i].name != *text) continue;
      out = names[i].number;
      return true;
    }
    if (!IntegerOf(*value))
      return Refuse(kUnknownName,
                    std::string(field) + " " + QuoteForMessage(*text) + " is unknown");
  }
  const auto number = IntegerOf(*value);
  if (!number || *number != static_cast<std::int32_t>(*number))
    return WrongType(field, *value, "a number of 32 bits or a name");
  out = static_cast<std::uint64_t>(*number);
  return true;
}

bool JsonFieldReader::ReadId(const MaybeElement& value, const char* field, std::size_t digits,
                             const char* reason, std::string_view& out) {
  out = {};
  if (!value) return true;
  const auto text = TextOf(*value);
  if (!text) return WrongType(field, *value, "a string");
  if (text->empty()) return true;
  const bool hex =
      std::all_of(text->begin(), text->end(), [](char c) { return base::HexDigit(c) >= 0; });
  if (text->size() != digits || !hex) {
    return Refuse(reason, std::string(field) + " " + QuoteForMessage(*text) + " is not " +
                              std::to_string(digits) + " hexadecimal digits");
  }
  out = *text;
  return true;
}

bool JsonFieldReader::ReadAttributes(const MaybeElement& list, const char* field,
                                     model::Range& range) {
  range.begin = static_cast<std::uint32_t>(out_.attributes.size());
  if (!list) return true;
  if (!IsArray(*list)) return WrongType(field, *list, "a list");
  for (const element entry : ArrayOf(*list)) {
    if (!ReadAttribute(entry, field)) return false;
  }
  range.count = static_cast<std::uint32_t>(out_.attributes.size()) - range.begin;
  return true;
}

bool JsonFieldReader::ReadAttribute(element entry, const char* field) {
  if (!IsObject(entry)) return WrongType(field, entry, "a list of keys and values");
  const Fields fields(ObjectOf(entry), kEntryKeys);
  StringId key = 0;
  if (!ReadText(fields[0], "an attribute's key", key)) return false;
  if (!fields[1]) {
    out_.attributes.push_back({0, key, static_cast<std::uint8_t>(ValueType::kEmpty)});
    return true;
  }
  if (!IsObject(*fields[1])) return WrongType(ValueOf(key), *fields[1], "an object");
  const AnyValue any = AnyOf(ObjectOf(*fields[1]));
  if (any.type == ValueType::kArray || any.type == ValueType::kMap) {
    if (!ReadContainer(any.value, any.type, key)) return false;
    out_.AddBlob(key, any.type, blob_);
    return true;
  }
  Scalar scalar;
  if (!ReadScalar(any, scalar)) return WrongType(ValueOf(key), any.value, WantedBy(any.type));
  if (model::IsTextual(any.type)) scalar.bits = out_.strings.Intern(scalar.text);
  out_.attributes.push_back({scalar.bits, key, static_cast<std::uint8_t>(any.type)});
  return true;
}

// Fills blob_ with the tokens of an array or map of the attribute `key`.
bool JsonFieldReader::ReadContainer(element value, ValueType type, StringId key) {
  struct Open {
    simdjson::dom::array::iterator at, end;
    bool map = false;
  };
  std::vector<Open> open;
  // Opens an ArrayValue or KeyValueList; its list may be absent.
  const auto push = [&](element list_value, ValueType list_type) {
    if (!IsObject(list_value)) return WrongType(ValueOf(key), list_value, WantedBy(list_type));
    const Fields fields(ObjectOf(list_value), kValuesKeys);
    Open next;
    next.map = list_type == ValueType::kMap;
    if (fields[0]) {
      if (!IsArray(*fields[0])) return WrongType(ValueOf(key), *fields[0], "a list of values");
      next.at = ArrayOf(*fields[0]).begin();
      next.end = ArrayOf(*fields[0]).end();
    }
    open.push_back(next);
    return true;
  };
  if (!push(value, type)) return false;
  blob_.clear();
  model::ValueBlobWriter writer(blob_);
  while (true) {
    Open& top = open.back();
    if (!(top.at != top.end)) {
      open.pop_back();
      if (open.empty()) return true;
      writer.End();
      continue;
    }
    element item = *top.at;
    ++top.at;
    if (!IsObject(item)) return WrongType(ValueOf(key), item, "made of objects");
    MaybeElement any_value = item;
    if (top.map) {
      const Fields entry(ObjectOf(item), kEntryKeys);
      const auto entry_key = entry[0] ? TextOf(*entry[0]) : std::string_view{};
      if (!entry_key) return WrongType(ValueOf(key), *entry[0], "keyed by strings");
      writer.Key(*entry_key);
      any_value = entry[1];
      if (any_value && !IsObject(*any_value))
        return WrongType(ValueOf(key), *any_value, "made of objects");
    }
    const AnyValue any = any_value ? AnyOf(ObjectOf(*any_value)) : AnyValue{};
    if (any.type == ValueType::kArray || any.type == ValueType::kMap) {
      if (open.size() >= model::kMaxValueDepth) {
        return Refuse(kValueTooDeep, TooDeepSentence(out_.text(key)));
      }
      if (any.type == ValueType::kMap)
        writer.BeginMap();
      else
        writer.BeginArray();
      if (!push(any.value, any.type)) return false;
      continue;
    }
    Scalar scalar;
    if (!ReadScalar(any, scalar)) return WrongType(ValueOf(key), any.value, WantedBy(any.type));
    WriteToken(any.type, scalar, blob_);
  }
}

}  // namespace tracestore::codec
