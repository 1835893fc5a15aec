// Texts for people: numbers and times as they read them, and texts of unknown origin made safe to
// put on a terminal.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tracestore::base {

// "0", "950ns", "12.3µs", "45ms", "1.25s", "2m05s", "3h10m": three digits that matter.
std::string DurationText(std::uint64_t ns);

// UTC, RFC 3339 with nanoseconds where there are any: "2023-11-14T22:13:20.5Z". Lossless.
std::string TimeText(std::uint64_t unix_ns);
// UTC in milliseconds, for tables: "2023-11-14 22:13:20.500".
std::string ShortTimeText(std::uint64_t unix_ns);

std::string CountText(std::uint64_t count);   // "12,345"
std::string BytesText(std::uint64_t bytes);   // "1.2 MiB"
// "1 span", "2,000 spans". `noun` takes an s in the plural.
std::string Plural(std::uint64_t count, std::string_view noun);

// Control characters, which could steer the terminal, become U+FFFD, and so do bytes that are no
// UTF-8; line ends and tabs become blanks.
std::string CleanText(std::string_view text);

// Columns that clean text takes: wide characters two, combining ones none.
std::size_t DisplayWidth(std::string_view text) noexcept;

// Clean text of at most `width` columns; what is cut off leaves "…".
std::string Shorten(std::string_view text, std::size_t width);

enum class Style : std::uint8_t { kPlain, kBold, kDim, kRed, kGreen, kYellow, kBlue, kCyan };

// Appends `text` in that style, by the escape sequences of terminals; plain without `color`.
void Paint(Style style, std::string_view text, bool color, std::string& out);

}  // namespace tracestore::base
