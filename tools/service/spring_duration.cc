#include "service/spring_duration.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

namespace tracestore::tools {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// No part is larger, so that no sum of four overflows.
constexpr std::int64_t kMostPart = std::numeric_limits<std::int64_t>::max() / 4;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// -1 or 1, and past its sign.
int TakeSign(std::string_view& rest) {
  if (rest.empty() || (rest.front() != '+' && rest.front() != '-')) return 1;
  const int sign = rest.front() == '-' ? -1 : 1;
  rest.remove_prefix(1);
  return sign;
}

// "5" of "5s"; unset without a digit, or where it is too large.
std::optional<std::int64_t> TakeNumber(std::string_view& rest) {
  if (rest.empty() || !IsDigit(rest.front())) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc()) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return number;
}

// Of ".5" or ",5", to nine digits: its nanoseconds; 0 where there is none.
std::optional<std::int64_t> TakeFraction(std::string_view& rest) {
  if (rest.empty() || (rest.front() != '.' && rest.front() != ',')) return 0;
  rest.remove_prefix(1);
  std::int64_t nanoseconds = 0, unit = kSecond;
  for (; !rest.empty() && IsDigit(rest.front()); rest.remove_prefix(1)) {
    if (unit == 1) return std::nullopt;
    unit /= 10;
    nanoseconds += (rest.front() - '0') * unit;
  }
  return nanoseconds;
}

struct Part {
  char letter;
  bool of_time;  // after the T
  std::int64_t nanoseconds;
};
constexpr Part kParts[] = {{'d', false, 86'400 * kSecond},
                           {'h', true, 3'600 * kSecond},
                           {'m', true, 60 * kSecond},
                           {'s', true, kSecond}};

// Of a text in small letters.
std::optional<std::int64_t> IsoNanoseconds(std::string_view rest) {
  const int whole_sign = TakeSign(rest);
  if (rest.empty() || rest.front() != 'p') return std::nullopt;
  rest.remove_prefix(1);
  std::int64_t sum = 0;
  bool in_time = false;
  const Part* next = std::begin(kParts);  // each once, in this order
  if (rest.empty() || rest.back() == 't') return std::nullopt;
  while (!rest.empty()) {
    if (rest.front() == 't' && !in_time) {
      in_time = true;
      rest.remove_prefix(1);
    }
    const int sign = TakeSign(rest);
    const auto number = TakeNumber(rest);
    if (!number.has_value()) return std::nullopt;
    const bool has_fraction = !rest.empty() && !(rest.front() >= 'a' && rest.front() <= 'z');
    const auto fraction = TakeFraction(rest);
    if (!fraction.has_value() || rest.empty()) return std::nullopt;
    const Part* const part = std::find_if(next, std::end(kParts), [&](const Part& one) {
      return one.letter == rest.front() && one.of_time == in_time;
    });
    if (part == std::end(kParts) || (has_fraction && part->letter != 's')) return std::nullopt;
    if (*number >= kMostPart / part->nanoseconds) return std::nullopt;
    sum += sign * (*number * part->nanoseconds + *fraction);
    next = part + 1;
    rest.remove_prefix(1);
  }
  return whole_sign * sum;
}

}  // namespace

std::string FromSpringDuration(std::string_view text) {
  const std::string lower = Lower(text);
  if (const auto iso = IsoNanoseconds(lower); iso.has_value() && *iso >= 0) {
    return *iso % kSecond == 0 ? std::to_string(*iso / kSecond) + "s" : std::to_string(*iso) + "ns";
  }
  std::string_view simple = lower;
  if (simple.starts_with('+')) simple.remove_prefix(1);
  if (simple.empty() || !IsDigit(simple.front())) return std::string(text);
  const bool bare = simple.find_first_not_of("0123456789") == std::string_view::npos;
  return std::string(simple) + (bare ? "ms" : "");
}

}  // namespace tracestore::tools
