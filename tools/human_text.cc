#include "human_text.h"

#include <algorithm>
#include <charconv>
#include <chrono>
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
