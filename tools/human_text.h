// Numbers and times as people read and write them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <tracestore/status.h>

#include "base/display_text.h"

namespace tracestore::tools {

using base::BytesText;
using base::CountText;
using base::DurationText;
using base::Plural;
using base::ShortTimeText;
using base::TimeText;

// A moment, in Unix nanoseconds:
//   RFC 3339; a date, or date and time without a zone (UTC); "now"; Unix time in digits, seconds
//   with decimals, or milli-, micro- or nanoseconds, told by its size; or relative to `now_ns`:
//   "1h ago", "-1h", "1h", also in days: "7d".
// Errors: kInvalidArgument, with what is possible.
Result<std::uint64_t> ParseMoment(std::string_view text, std::uint64_t now_ns);

std::uint64_t NowNs();

}  // namespace tracestore::tools
