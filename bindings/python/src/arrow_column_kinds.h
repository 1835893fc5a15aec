// The kinds of columns that tables are put together from: texts, numbers, ids, maps, attributes.
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "arrow_columns.h"

namespace tracestore::python {

inline constexpr std::size_t kItemWeight = 16;

// A column whose value is a text that `Get` gives.
template <typename Row, typename Get, typename Builder = TextBuilder>
class TextColumn : public TableColumn<Row> {
 public:
  TextColumn(std::string name, Get get) : name_(std::move(name)), get_(std::move(get)) {}
  ArrowField field() const override {
    if constexpr (std::is_same_v<Builder, DictionaryBuilder>) return {name_, "i", false, {}, "u"};
    return {name_, "u", false};
  }
  void Reserve(std::size_t rows) override { text_.Reserve(rows); }
  void Append(const Row& row) override { text_.Append(get_(row)); }
  ArrowData Finish() override { return text_.Finish(); }
  std::size_t weight() const override { return text_.bytes(); }
  bool overflowed() const override { return text_.overflowed(); }

 private:
  std::string name_;
  Get get_;
  Builder text_;
};

// A number, or null where `Get` gives none.
template <typename Row, typename Number, typename Get>
class NumberColumn : public TableColumn<Row> {
 public:
  NumberColumn(std::string name, const char* format, bool nullable, Get get)
      : name_(std::move(name)), format_(format), nullable_(nullable), get_(std::move(get)) {}
  ArrowField field() const override { return {name_, format_, nullable_}; }
  void Reserve(std::size_t rows) override { numbers_.Reserve(rows); }
  void Append(const Row& row) override {
    const std::optional<Number> value = get_(row, beyond_);
    if (value) numbers_.Append(*value);
    else numbers_.AppendNull();
  }
  ArrowData Finish() override { return numbers_.Finish(); }
  std::uint64_t beyond() const override { return beyond_; }

 private:
  std::string name_;
  const char* format_;
  bool nullable_;
  Get get_;
  NumberBuilder<Number> numbers_;
  std::uint64_t beyond_ = 0;
};

// Ids of `Width` bytes as such, or as hexadecimal digits; null where empty and `nullable`.
template <typename Row, std::size_t Width, typename Get>
class IdColumn : public TableColumn<Row> {
 public:
  using Bytes = std::array<std::uint8_t, Width>;
  IdColumn(std::string name, bool binary, bool nullable, Get get)
      : name_(std::move(name)), binary_(binary), nullable_(nullable), get_(get), bytes_(Width) {}
  ArrowField field() const override {
    return {name_, binary_ ? "w:" + std::to_string(Width) : "u", nullable_};
  }
  void Reserve(std::size_t rows) override {
    if (binary_) bytes_.Reserve(rows);
    else text_.Reserve(rows, 2 * Width);
  }
  void Append(const Row& row) override {
    const Bytes id = get_(row);
    const bool null = nullable_ && id == Bytes{};
    if (binary_) return null ? bytes_.AppendNull() : bytes_.Append(id.data());
    if (null) return text_.AppendNull();
    static constexpr char kDigits[] = "0123456789abcdef";
    std::array<char, 2 * Width> hex;
    for (std::size_t i = 0; i < Width; ++i) {
      hex[2 * i] = kDigits[id[i] >> 4];
      hex[2 * i + 1] = kDigits[id[i] & 15];
    }
    text_.AppendBytes({hex.data(), hex.size()});
  }
  ArrowData Finish() override { return binary_ ? bytes_.Finish() : text_.Finish(); }
  std::size_t weight() const override { return text_.bytes(); }

 private:
  std::string name_;
  bool binary_, nullable_;
  Get get_;
  FixedBuilder bytes_;
  TextBuilder text_;
};

// Attributes as a map of their keys to their canonical texts; null of one without a value.
template <typename Row, typename Get>
class MapColumn : public TableColumn<Row> {
 public:
  MapColumn(std::string name, Get get) : name_(std::move(name)), get_(get) {}
  ArrowField field() const override {
    return {name_, "+m", false,
            {{"entries", "+s", false, {{"key", "u", false}, {"value", "u", true}}}}};
  }
  void Reserve(std::size_t rows) override { rows_.Reserve(rows); }
  void Append(const Row& row) override {
    for (const AttributeView attribute : get_(row)) {
      keys_.Append(attribute.key());
      if (attribute.type() == ValueType::kEmpty) values_.AppendNull();
      else if (attribute.type() == ValueType::kString) values_.Append(attribute.string_value());
      else values_.Append(attribute.text());
      ++items_;
    }
    rows_.Append(items_);
  }
  ArrowData Finish() override {
    std::vector<ArrowData> entries;
    entries.push_back(keys_.Finish());
    entries.push_back(values_.Finish());
    const auto items = static_cast<std::int64_t>(std::exchange(items_, 0));
    return rows_.Finish(StructOf(std::move(entries), items));
  }
  std::size_t weight() const override {
    return std::max(keys_.bytes(), values_.bytes()) + items_ * kItemWeight;
  }
  bool overflowed() const override { return keys_.overflowed() || values_.overflowed(); }

 private:
  std::string name_;
  Get get_;
  std::size_t items_ = 0;
  TextBuilder keys_, values_;
  ListOffsets rows_;
};

// A whole text as a number.
template <typename Number>
std::optional<Number> NumberIn(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

inline std::optional<std::int64_t> IntOf(const AttributeView& a) {
  if (a.type() == ValueType::kInt) return a.int_value();
  if (a.type() == ValueType::kString) return NumberIn<std::int64_t>(a.string_value());
  return std::nullopt;
}
inline std::optional<double> FloatOf(const AttributeView& a) {
  if (a.type() == ValueType::kDouble) return a.double_value();
  if (a.type() == ValueType::kInt) return static_cast<double>(a.int_value());
  if (a.type() == ValueType::kString) return NumberIn<double>(a.string_value());
  return std::nullopt;
}
inline std::optional<bool> BoolOf(const AttributeView& a) {
  if (a.type() == ValueType::kBool) return a.bool_value();
  if (a.type() != ValueType::kString) return std::nullopt;
  if (a.string_value() == "true") return true;
  if (a.string_value() == "false") return false;
  return std::nullopt;
}

// What of a row has its attributes.
inline AttributeList AttributesOf(const SpanView& span) { return span.attributes(); }
inline AttributeList AttributesOf(const EventRow& row) { return row.event.attributes(); }
inline AttributeList AttributesOf(const LinkRow& row) { return row.link.attributes(); }

// One attribute key in a type; null where there is none, or none of that type.
template <typename Row, typename Builder, typename Get>
class AttributeColumn : public TableColumn<Row> {
 public:
  AttributeColumn(std::string key, const char* format, Get get)
      : key_(std::move(key)), format_(format), get_(get) {}
  ArrowField field() const override { return {key_, format_, true}; }
  void Reserve(std::size_t rows) override { builder_.Reserve(rows); }
  void Append(const Row& row) override {
    const auto attribute = AttributesOf(row).Find(key_);
    if (!attribute || !get_(*attribute, builder_)) builder_.AppendNull();
  }
  ArrowData Finish() override { return builder_.Finish(); }
  std::size_t weight() const override {
    if constexpr (std::is_same_v<Builder, TextBuilder>) return builder_.bytes();
    return 0;
  }
  bool overflowed() const override {
    if constexpr (std::is_same_v<Builder, TextBuilder>) return builder_.overflowed();
    return false;
  }

 private:
  std::string key_;
  const char* format_;
  Get get_;
  Builder builder_;
};

}  // namespace tracestore::python
