// Times as people write them.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace tracestore::predicate {

// RFC 3339 with up to nine digits of a second ("2023-11-14T22:13:20.5Z", "…+01:00"), as Unix
// nanoseconds. nullopt for anything else and for times before 1970 or after 2554-07-21. A leap
// second (":60") is the first second of the next minute.
std::optional<std::uint64_t> ParseTime(std::string_view text) noexcept;

}  // namespace tracestore::predicate
