// Numbers and times as people read and write them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <tracestore/status.h>

namespace tracestore::tools {

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

// A moment, in Unix nanoseconds:
//   RFC 3339; a date, or date and time without a zone (UTC); "now"; Unix time in digits, seconds
//   with decimals, or milli-, micro- or nanoseconds, told by its size; or relative to `now_ns`:
//   "1h ago", "-1h", "1h", also in days: "7d".
// Errors: kInvalidArgument, with what is possible.
Result<std::uint64_t> ParseMoment(std::string_view text, std::uint64_t now_ns);

std::uint64_t NowNs();

}  // namespace tracestore::tools
