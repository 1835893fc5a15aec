// The closed words of Jaeger's structured filter: operators, levels, built-in fields.
#pragma once
#include <tracestore/query.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/jaeger/filter_values.h"

namespace tracestore::server {

enum class FilterOp : std::uint8_t {
  kAnd,
  kOr,
  kNot,
  kExists,
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kRegex,
  kIn,
  kNotIn,
  kSome,
};
std::optional<FilterOp> FilterOpOf(std::string_view word) noexcept;

constexpr bool IsOrdered(FilterOp op) noexcept {
  return op >= FilterOp::kGreater && op <= FilterOp::kLessEqual;
}

// "" is kSpanOrResource.
std::optional<Level> FilterLevelOf(std::string_view word) noexcept;

struct FilterField {
  std::string_view level;
  std::string_view name;
  FilterType type;
  Field field;
};
// nullptr where there is none. Names are case-sensitive.
const FilterField* FindFilterField(std::string_view level, std::string_view name) noexcept;

// Of kKind or kStatus: the words, and as one text "unset, ok, error".
std::span<const std::string_view> WordsOf(FilterType type) noexcept;
std::string JoinedWordsOf(FilterType type);

}  // namespace tracestore::server
