#include "human_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

#include <tracestore/query.h>

#include "predicate/text_values.h"

namespace tracestore::tools {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;

std::string Decimal(double value, const char* unit) {
  std::array<char, 48> text{};
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  std::string out = text.data();
  if (out.find('.') != std::string::npos) {
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
  }
  return out + unit;
}

std::string TwoParts(std::uint64_t big, const char* big_unit, std::uint64_t small,
                     const char* small_unit) {
  std::string out = std::to_string(big) + big_unit;
  if (small == 0) return out;
  if (small < 10) out += '0';
  return out + std::to_string(small) + small_unit;
}

// "2023-11-14" and "22:13:20".
struct Clock {
  std::string date;
  std::string time;
};
Clock ClockOf(std::uint64_t unix_ns) {
  using std::chrono::sys_days;
  const std::uint64_t seconds = unix_ns / kSecond;
  const std::chrono::days days(static_cast<int>(seconds / 86'400));
  const std::chrono::year_month_day date{sys_days(days)};
  const auto second_of_day = static_cast<unsigned>(seconds % 86'400);
  std::array<char, 48> text{};
  Clock clock;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  clock.date = text.data();
  std::snprintf(text.data(), text.size(), "%02u:%02u:%02u", second_of_day / 3600,
                second_of_day / 60 % 60, second_of_day % 60);
  clock.time = text.data();
  return clock;
}

bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

// "1h30m", "90s", "7d", "1d12h".
std::optional<std::uint64_t> ParseAge(std::string_view text) {
  std::uint64_t days = 0;
  if (const auto d = text.find('d'); d != std::string_view::npos) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + d, days);
    if (error != std::errc() || end != text.data() + d || days > 200'000) return std::nullopt;
    text.remove_prefix(d + 1);
    if (text.empty()) return days * kDay;
  }
  if (text.empty() || !IsDigit(text.front())) return std::nullopt;
  const auto rest = ParseDuration(text);
  if (!rest || rest->count() < 0) return std::nullopt;
  return days * kDay + static_cast<std::uint64_t>(rest->count());
}

// Unix time in digits: below 10^11 seconds (till the year 5138), then milliseconds and so on.
std::optional<std::uint64_t> ParseUnixTime(std::string_view text) {
  const auto point = text.find('.');
  const std::string_view whole_text = text.substr(0, point);
  std::uint64_t whole = 0;
  const auto [end, error] =
      std::from_chars(whole_text.data(), whole_text.data() + whole_text.size(), whole);
  if (error != std::errc() || end != whole_text.data() + whole_text.size()) return std::nullopt;
  constexpr std::uint64_t kLastSecond = std::numeric_limits<std::uint64_t>::max() / kSecond - 1;
  if (point != std::string_view::npos) {
    const std::string_view decimals = text.substr(point + 1);
    if (decimals.empty() || decimals.size() > 9 || whole > kLastSecond) return std::nullopt;
    std::uint64_t ns = 0;
    for (std::size_t i = 0; i < 9; ++i) {
      const char c = i < decimals.size() ? decimals[i] : '0';
      if (!IsDigit(c)) return std::nullopt;
      ns = ns * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return whole * kSecond + ns;
  }
  if (whole <= kLastSecond) return whole * kSecond;
  if (whole < 100'000'000'000'000) return whole * 1'000'000;
  if (whole < 100'000'000'000'000'000) return whole * 1'000;
  return whole;
}

// Adds what a date or time without a zone leaves out: midnight, seconds, UTC.
std::string WithZone(std::string_view text) {
  std::string out(text);
  if (out.size() == 10) return out + "T00:00:00Z";
  if (out.size() > 10 && out[10] == ' ') out[10] = 'T';
  if (out.size() == 16) out += ":00";
  const bool has_zone = out.find_first_of("Zz+", 10) != std::string::npos ||
                        out.find('-', 10) != std::string::npos;
  if (!has_zone) out += 'Z';
  return out;
}

}  // namespace

std::string DurationText(std::uint64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns == 0) return "0";
  if (ns < 1'000) return std::to_string(ns) + "ns";
  if (value < 999.5e3) return Decimal(value / 1e3, "µs");
  if (value < 999.5e6) return Decimal(value / 1e6, "ms");
  if (value < 59.95e9) return Decimal(value / 1e9, "s");
  // The two units that are left are whole ones, rounded to the nearest.
  if (ns < kHour - kSecond / 2) {
    const std::uint64_t seconds = (ns + kSecond / 2) / kSecond;
    return TwoParts(seconds / 60, "m", seconds % 60, "s");
  }
  if (ns < kDay - kMinute / 2) {
    const std::uint64_t minutes = (ns + kMinute / 2) / kMinute;
    return TwoParts(minutes / 60, "h", minutes % 60, "m");
  }
  const std::uint64_t hours = ns / kHour + (ns % kHour >= kHour / 2 ? 1 : 0);
  return TwoParts(hours / 24, "d", hours % 24, "h");
}

std::string TimeText(std::uint64_t unix_ns) {
  const Clock clock = ClockOf(unix_ns);
  std::string out = clock.date + "T" + clock.time;
  if (const std::uint64_t rest = unix_ns % kSecond; rest != 0) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), ".%09llu", static_cast<unsigned long long>(rest));
    std::string decimals = text.data();
    decimals.erase(decimals.find_last_not_of('0') + 1);
    out += decimals;
  }
  return out + "Z";
}

std::string ShortTimeText(std::uint64_t unix_ns) {
  const Clock clock = ClockOf(unix_ns);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), ".%03u",
                static_cast<unsigned>(unix_ns % kSecond / 1'000'000));
  return clock.date + " " + clock.time + text.data();
}

std::string CountText(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string BytesText(std::uint64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return Decimal(value, kUnits[unit]);
}

std::string Plural(std::uint64_t count, std::string_view noun) {
  return CountText(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

Result<std::uint64_t> ParseMoment(std::string_view text, std::uint64_t now_ns) {
  const std::string given(text);
  if (text == "now") return now_ns;
  std::string_view age = text;
  if (age.ends_with(" ago")) age.remove_suffix(4);
  const bool said_ago = age.size() != text.size();
  const bool negative = age.starts_with('-');
  if (negative) age.remove_prefix(1);
  if (!said_ago && !negative) {
    if (const auto unix_time = ParseUnixTime(text)) return *unix_time;
    if (const auto time = predicate::ParseTime(WithZone(text))) return *time;
  }
  if (const auto ns = ParseAge(age)) return now_ns - std::min(*ns, now_ns);
  return Error(ErrorCode::kInvalidArgument,
               "'" + given +
                   "' is no time: expected one such as 2023-11-14T22:13:20Z, 2023-11-14, "
                   "1700000000, now, 1h or '1h ago'");
}

std::uint64_t NowNs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace tracestore::tools
