// Texts and values cut to a length or mended, as the sanitizer does it. Pure.
#pragma once
#include <tracestore/span_types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tracestore::ingest {

// At most `most` bytes from the front, cut between characters.
std::string_view CutText(std::string_view text, std::size_t most) noexcept;

// Each byte that belongs to no character becomes U+FFFD.
std::string MendUtf8(std::string_view text);

// The first items of an array's or map's value blob, at most `most` bytes of blob: whole scalars,
// containers closed where the cut is. A bad blob gives its longest good beginning.
std::string CutValueBlob(std::string_view blob, ValueType container, std::size_t most);

}  // namespace tracestore::ingest
