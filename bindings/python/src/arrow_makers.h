// How tables are put together: makers of columns by name, for every kind of row.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow_column_kinds.h"
#include "errors.h"

namespace tracestore::python {

inline constexpr std::uint64_t kMostTime = 0x7FFFFFFFFFFFFFFF;

template <typename Row>
using Column = std::unique_ptr<TableColumn<Row>>;

template <typename Row, typename Builder, typename Get>
Column<Row> OfAttribute(const std::string& key, const char* format, Get get) {
  return std::make_unique<AttributeColumn<Row, Builder, Get>>(key, format, get);
}

// One attribute key as a column of a type. Raises InvalidArgumentError for a type that is none.
template <typename Row>
Column<Row> AttributeOf(const std::string& key, const std::string& type) {
  const auto put = [](const auto& value, auto& builder) {
    if (value) builder.Append(*value);
    return value.has_value();
  };
  if (type == "text") {
    return OfAttribute<Row, TextBuilder>(key, "u", [](const AttributeView& a, TextBuilder& out) {
      if (a.type() == ValueType::kEmpty) return false;
      if (a.type() == ValueType::kString) out.Append(a.string_value());
      else out.Append(a.text());
      return true;
    });
  }
  if (type == "bytes") {
    return OfAttribute<Row, TextBuilder>(key, "z", [](const AttributeView& a, TextBuilder& out) {
      if (a.type() != ValueType::kBytes) return false;
      out.AppendBytes(a.bytes_value());
      return true;
    });
  }
  if (type == "int") {
    return OfAttribute<Row, NumberBuilder<std::int64_t>>(
        key, "l", [put](const AttributeView& a, auto& out) { return put(IntOf(a), out); });
  }
  if (type == "float") {
    return OfAttribute<Row, NumberBuilder<double>>(
        key, "g", [put](const AttributeView& a, auto& out) { return put(FloatOf(a), out); });
  }
  if (type == "bool") {
    return OfAttribute<Row, BoolBuilder>(
        key, "b", [put](const AttributeView& a, auto& out) { return put(BoolOf(a), out); });
  }
  Raise(Error(ErrorCode::kInvalidArgument,
              "an attribute's column is text, int, float, bool or bytes, not '" + type + "'"));
}

template <typename Row, typename Get>
Column<Row> TextOf(const char* name, Get get) {
  return std::make_unique<TextColumn<Row, Get>>(name, get);
}
// A text that many rows share.
template <typename Row, typename Get>
Column<Row> SharedTextOf(const char* name, const ColumnStyle& style, Get get) {
  if (!style.dictionaries) return TextOf<Row>(name, get);
  return std::make_unique<TextColumn<Row, Get, DictionaryBuilder>>(name, get);
}
template <typename Number, typename Row, typename Get>
Column<Row> NumberOf(const char* name, const char* format, bool nullable, Get get) {
  return std::make_unique<NumberColumn<Row, Number, Get>>(name, format, nullable, get);
}
template <typename Row, typename Get>
Column<Row> MapOf(const char* name, Get get) {
  return std::make_unique<MapColumn<Row, Get>>(name, get);
}

inline void PutBigEndian(std::uint64_t value, std::uint8_t* out) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}
inline std::array<std::uint8_t, 16> BytesOf(TraceId id) {
  std::array<std::uint8_t, 16> bytes;
  PutBigEndian(id.high, bytes.data());
  PutBigEndian(id.low, bytes.data() + 8);
  return bytes;
}
inline std::array<std::uint8_t, 8> BytesOf(SpanId id) {
  std::array<std::uint8_t, 8> bytes;
  PutBigEndian(id.value, bytes.data());
  return bytes;
}
template <typename Row, std::size_t Width, typename Get>
Column<Row> IdOf(const char* name, const ColumnStyle& style, bool nullable, Get get) {
  return std::make_unique<IdColumn<Row, Width, Get>>(name, style.binary_ids, nullable, get);
}

// A time or difference that `there` is, where it fits.
inline std::optional<std::int64_t> Fitting(bool there, std::uint64_t ns, std::uint64_t& beyond) {
  if (!there) return std::nullopt;
  if (ns <= kMostTime) return static_cast<std::int64_t>(ns);
  ++beyond;
  return std::nullopt;
}
template <typename Row>
struct Maker {
  const char* name;
  std::function<Column<Row>(const ColumnStyle&)> make;
};

template <typename Row>
std::vector<std::string> NamesOf(const std::vector<Maker<Row>>& makers) {
  std::vector<std::string> names;
  for (const auto& maker : makers) names.emplace_back(maker.name);
  return names;
}

// The columns of these names. Raises InvalidArgumentError, with the right names, for one that is
// none.
template <typename Row>
TableColumns<Row> Make(const std::vector<Maker<Row>>& makers,
                       const std::vector<std::string>& names, const ColumnStyle& style) {
  TableColumns<Row> columns;
  for (const std::string& name : names) {
    const auto maker = std::find_if(makers.begin(), makers.end(),
                                    [&](const auto& m) { return m.name == name; });
    if (maker == makers.end()) {
      std::string right;
      for (const auto& m : makers) right += (right.empty() ? "" : ", ") + std::string(m.name);
      Raise(Error(ErrorCode::kInvalidArgument,
                  "there is no column '" + name + "'; there are " + right));
    }
    columns.push_back(maker->make(style));
  }
  return columns;
}

// Those, and a column for each attribute key asked for.
template <typename Row>
TableColumns<Row> Make(const std::vector<Maker<Row>>& makers, const ColumnChoice& choice) {
  auto columns = Make(makers, choice.names, choice.style);
  for (const auto& [key, type] : choice.attributes) columns.push_back(AttributeOf<Row>(key, type));
  return columns;
}

}  // namespace tracestore::python
