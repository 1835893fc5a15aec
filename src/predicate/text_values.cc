#include "predicate/text_values.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

#include <tracestore/query.h>

namespace tracestore {
namespace {

constexpr std::uint64_t kMostDuration = 0x7FFF'FFFF'FFFF'FFFF;

struct Unit {
  std::string_view name;
  std::uint64_t ns;
};
// Longer names before those that they begin with.
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"\xC2\xB5s", 1'000},  // micro sign
                           {"\xCE\xBCs", 1'000},  // Greek mu
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"m", 60'000'000'000},
                           {"h", 3'600'000'000'000}};

bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

// One "12.5ms" of a duration, taken from the front of `text`; nullopt where it isn't one or is too
// great. The fraction is exact down to the nanosecond, the rest is cut off.
std::optional<std::uint64_t> TakePart(std::string_view& text) noexcept {
  std::uint64_t whole = 0;
  std::size_t at = 0;
  for (; at < text.size() && IsDigit(text[at]); ++at) {
    whole = whole * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (whole > kMostDuration) return std::nullopt;
  }
  std::size_t digits = at;
  std::uint64_t fraction = 0;
  std::uint64_t scale = 1;
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && IsDigit(text[at]); ++at, ++digits) {
      if (scale >= 1'000'000'000'000'000) continue;  // far below a nanosecond of an hour
      fraction = fraction * 10 + static_cast<std::uint64_t>(text[at] - '0');
      scale *= 10;
    }
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(at);
  for (const Unit& unit : kUnits) {
    if (text.substr(0, unit.name.size()) != unit.name) continue;
    text.remove_prefix(unit.name.size());
    if (whole > kMostDuration / unit.ns) return std::nullopt;
    __extension__ using Wide = unsigned __int128;
    const auto rest = static_cast<std::uint64_t>(static_cast<Wide>(fraction) * unit.ns / scale);
    return whole * unit.ns + rest;
  }
  return std::nullopt;
}

Error BadDuration(std::string_view text) {
  return {ErrorCode::kInvalidArgument,
          "'" + std::string(text) + "' is not a duration such as 10ms, 1.5s or 1h30m"};
}

// A decimal number of exactly `digits` digits at the front of `text`, which is cut off.
std::optional<unsigned> TakeNumber(std::string_view& text, std::size_t digits) noexcept {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, std::string_view any_of) noexcept {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Seconds since 1970 of "2023-11-14T22:13:20", which is cut off the front.
std::optional<std::int64_t> TakeDateTime(std::string_view& text) noexcept {
  const auto year = TakeNumber(text, 4);
  if (!year || !Take(text, "-")) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month || !Take(text, "-")) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day || !Take(text, "Tt ")) return std::nullopt;
  const auto hour = TakeNumber(text, 2);
  if (!hour || *hour > 23 || !Take(text, ":")) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute || *minute > 59 || !Take(text, ":")) return std::nullopt;
  const auto second = TakeNumber(text, 2);
  if (!second || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86'400 + *hour * 3'600 + *minute * 60 + *second;
}

// Seconds east of UTC of "Z" or "+01:00", which is cut off the front.
std::optional<std::int64_t> TakeOffset(std::string_view& text) noexcept {
  if (Take(text, "Zz")) return 0;
  const bool west = !text.empty() && text[0] == '-';
  if (!Take(text, "+-")) return std::nullopt;
  const auto hours = TakeNumber(text, 2);
  if (!hours || *hours > 23 || !Take(text, ":")) return std::nullopt;
  const auto minutes = TakeNumber(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = std::int64_t{*hours} * 3'600 + *minutes * 60;
  return west ? -seconds : seconds;
}

}  // namespace

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return BadDuration(text);
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const auto part = TakePart(rest);
    if (!part || *part > kMostDuration - total) return BadDuration(text);
    total += *part;
  }
  const auto ns = static_cast<std::int64_t>(total);
  return std::chrono::nanoseconds(negative ? -ns : ns);
}

namespace predicate {

std::optional<std::uint64_t> ParseTime(std::string_view text) noexcept {
  const auto local = TakeDateTime(text);
  if (!local) return std::nullopt;
  std::uint64_t fraction = 0;
  if (Take(text, ".")) {
    std::uint64_t place = 1'000'000'000;
    while (!text.empty() && IsDigit(text[0])) {
      place /= 10;
      if (place == 0) return std::nullopt;
      fraction += place * static_cast<std::uint64_t>(text[0] - '0');
      text.remove_prefix(1);
    }
    if (place == 1'000'000'000) return std::nullopt;
  }
  const auto offset = TakeOffset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const std::int64_t seconds = *local - *offset;
  constexpr std::int64_t kMostSeconds = 18'446'744'073;  // 2^64 nanoseconds
  if (seconds < 0 || seconds >= kMostSeconds) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * 1'000'000'000 + fraction;
}

}  // namespace predicate
}  // namespace tracestore
