// JsonFieldReader: the fields of OTLP/JSON objects into a batch. For json_decoder.cc and its own
// .cc only: it includes simdjson.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "codec/json/json_dom.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// A key's value; empty where it is absent or null.
using MaybeElement = std::optional<simdjson::dom::element>;

// The reasons a DecodeReport counts by, beside those of span_rules.h.
inline constexpr const char* kWrongType = "a field has a value of the wrong type";
inline constexpr const char* kUnknownName = "an enumeration has an unknown name";

// The values of an object under the keys that its reader asked for, the last of each.
class Fields {
 public:
  // `names` in lowerCamelCase; the same in snake_case is found too. At most kMost.
  template <std::size_t kCount>
  Fields(simdjson::dom::object object, const std::string_view (&names)[kCount]) {
    static_assert(kCount <= kMost);
    for (const auto field : object) {
      for (std::size_t i = 0; i < kCount; ++i) {
        if (!SameKey(field.key, names[i])) continue;
        if (field.value.type() == simdjson::dom::element_type::NULL_VALUE)
          values_[i].reset();
        else
          values_[i] = field.value;
        break;
      }
    }
  }
  const MaybeElement& operator[](std::size_t i) const noexcept { return values_[i]; }

 private:
  static constexpr std::size_t kMost = 16;

  static bool SameKey(std::string_view key, std::string_view name) noexcept {
    if (key == name) return true;
    std::size_t at = 0;
    for (const char c : name) {
      const bool upper = c >= 'A' && c <= 'Z';
      if (upper && (at == key.size() || key[at++] != '_')) return false;
      const char wanted = upper ? static_cast<char>(c - 'A' + 'a') : c;
      if (at == key.size() || key[at++] != wanted) return false;
    }
    return at == key.size();
  }

  MaybeElement values_[kMost];
};

struct EnumName {
  std::string_view name;
  std::uint64_t number;
};

inline bool IsObject(simdjson::dom::element value) {
  return value.type() == simdjson::dom::element_type::OBJECT;
}
inline bool IsArray(simdjson::dom::element value) {
  return value.type() == simdjson::dom::element_type::ARRAY;
}
// Of a value that IsObject (IsArray).
inline simdjson::dom::object ObjectOf(simdjson::dom::element value) {
  return value.get_object().value_unsafe();
}
inline simdjson::dom::array ArrayOf(simdjson::dom::element value) {
  return value.get_array().value_unsafe();
}

// Readers give false where a value is refused; refusal() then says why. `field` names the value in
// the sentence. An absent value leaves `out` as it is.
class JsonFieldReader {
 public:
  using element = simdjson::dom::element;
  // The reason to count, and the sentence.
  using Refusal = std::pair<const char*, std::string>;

  // `out` must outlive the reader.
  explicit JsonFieldReader(model::SpanBatch& out) : out_(out) {}

  bool Refuse(const char* reason, std::string sentence) {
    refusal_ = {reason, std::move(sentence)};
    return false;
  }
  bool WrongType(std::string field, element value, const char* wanted) {
    return Refuse(kWrongType, std::move(field) + " is " + TypeNameOf(value) + ", not " + wanted);
  }
  Refusal& refusal() noexcept { return refusal_; }

  bool ReadText(const MaybeElement& value, const char* field, model::StringId& out);
  bool ReadNumber(const MaybeElement& value, const char* field, std::uint64_t& out);
  bool ReadCount(const MaybeElement& value, const char* field, std::uint32_t& out);
  // Names or numbers of 32 bits, in range or not.
  template <std::size_t kCount>
  bool ReadEnum(const MaybeElement& value, const char* field, const EnumName (&names)[kCount],
                std::uint64_t& out) {
    return ReadEnum(value, field, names, kCount, out);
  }
  // Gives the digits, "" where the id is absent or empty.
  bool ReadId(const MaybeElement& value, const char* field, std::size_t digits, const char* reason,
              std::string_view& out);
  // Appends a list of keys and values to the batch's attributes.
  bool ReadAttributes(const MaybeElement& list, const char* field, model::Range& range);

 private:
  bool ReadEnum(const MaybeElement& value, const char* field, const EnumName* names,
                std::size_t count, std::uint64_t& out);
  bool ReadAttribute(element entry, const char* field);
  bool ReadContainer(element value, ValueType type, model::StringId key);
  // "the value of attribute 'key'": made only for a refusal.
  std::string ValueOf(model::StringId key) const;

  model::SpanBatch& out_;
  Refusal refusal_;
  std::string blob_;  // of the array or map being read
};

}  // namespace tracestore::codec
