#include "base/display_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace tracestore::base {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool good = false;
};

CodePoint Decode(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || at + length > text.size()) return {};
  char32_t value = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[length] || value > 0x10FFFF || surrogate) return {};
  return {value, length, true};
}

bool In(char32_t c, char32_t first, char32_t last) noexcept { return c >= first && c <= last; }

// The blocks of Unicode's East Asian wide characters and of its combining marks, coarsely.
std::size_t ColumnsOf(char32_t c) noexcept {
  if (In(c, 0x0300, 0x036F) || In(c, 0x200B, 0x200F) || In(c, 0xFE00, 0xFE0F)) return 0;
  if (In(c, 0x1100, 0x115F) || In(c, 0x2E80, 0xA4CF) || In(c, 0xAC00, 0xD7A3) ||
      In(c, 0xF900, 0xFAFF) || In(c, 0xFE30, 0xFE6F) || In(c, 0xFF00, 0xFF60) ||
      In(c, 0xFFE0, 0xFFE6) || In(c, 0x1F300, 0x1FAFF) || In(c, 0x20000, 0x3FFFD)) {
    return 2;
  }
  return 1;
}

// C0, DEL, C1, and the characters that turn the direction of text or end lines.
bool IsControl(char32_t c) noexcept {
  return c < 0x20 || In(c, 0x7F, 0x9F) || In(c, 0x2028, 0x202E) || In(c, 0x2066, 0x2069);
}

const char* CodeOf(Style style) noexcept {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\x1b[1m";
    case Style::kDim: return "\x1b[2m";
    case Style::kRed: return "\x1b[31m";
    case Style::kGreen: return "\x1b[32m";
    case Style::kYellow: return "\x1b[33m";
    case Style::kBlue: return "\x1b[34m";
    case Style::kCyan: return "\x1b[36m";
  }
  return "";
}

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

}  // namespace

void Paint(Style style, std::string_view text, bool color, std::string& out) {
  if (!color || style == Style::kPlain || text.empty()) {
    out += text;
    return;
  }
  out += CodeOf(style);
  out += text;
  out += "\x1b[0m";
}

std::string CleanText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = Decode(text, at);
    if (c.value == '\n' || c.value == '\t') {
      out += ' ';
    } else if (!c.good || IsControl(c.value)) {
      out += kReplacement;
    } else {
      out += text.substr(at, c.bytes);
    }
    at += c.bytes;
  }
  return out;
}

std::size_t DisplayWidth(std::string_view text) noexcept {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = Decode(text, at);
    width += c.good ? ColumnsOf(c.value) : 1;
    at += c.bytes;
  }
  return width;
}

std::string Shorten(std::string_view text, std::size_t width) {
  std::string clean = CleanText(text);
  if (DisplayWidth(clean) <= width) return clean;
  if (width == 0) return "";
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < clean.size()) {
    const CodePoint c = Decode(clean, at);
    if (used + ColumnsOf(c.value) > width - 1) break;
    used += ColumnsOf(c.value);
    at += c.bytes;
  }
  clean.resize(at);
  clean += kEllipsis;
  return clean;
}

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

}  // namespace tracestore::base
