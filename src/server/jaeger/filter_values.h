// Constants of Jaeger's structured filter, read as Go reads them.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::server {

// What a constant is, or a field holds.
enum class FilterType : std::uint8_t {
  kAny,  // a constant that declares no type
  kString,
  kInt,
  kDouble,
  kBool,
  kDuration,
  kTimestamp,
  kKind,
  kStatus,  // of fields only; constants beside them are kString
};

// Values that can be compared.
enum class FilterDomain : std::uint8_t { kUnknown, kNumber, kDuration, kTimestamp, kText, kBool };
FilterDomain DomainOf(FilterType type) noexcept;

// "string", "int", "double", "bool"; "" is kAny. nullopt for anything else.
std::optional<FilterType> FilterTypeOf(std::string_view word) noexcept;

struct FilterConstant {
  FilterType type = FilterType::kAny;
  std::string text;           // as it came
  std::int64_t integer = 0;   // kInt; kDuration: nanoseconds
  double number = 0;          // kDouble
  bool flag = false;          // kBool
  std::uint64_t time_ns = 0;  // kTimestamp: Unix nanoseconds
  int beyond = 0;             // kTimestamp: -1 before 1970, 1 after 2554, where 64 bits end
};

// `text` as a constant of a type other than kKind and kStatus. Errors: kInvalidArgument, Go's
// sentence: `strconv.ParseInt: parsing "x": invalid syntax`, `time: invalid duration "x"`,
// `parsing time "x" as "2006-…": cannot parse "x" as "2006"`.
Result<FilterConstant> ReadConstant(FilterType type, std::string_view text);

}  // namespace tracestore::server
