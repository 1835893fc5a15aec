// A stream of strings: lengths as an integer stream, then all bytes in one frame
// (docs/format/column-encodings.md, "Text stream"). The strings may hold any bytes.
//
// Threads: any.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "codec/column/int_stream.h"
#include <tracestore/status.h>

namespace tracestore::column {

// Appends the strings; their count is not stored. No strings are no bytes.
void EncodeTexts(std::span<const std::string_view> texts, std::string& out);

// Reads `count` strings into `out` (resized to `count`). The views point into `arena`, whose
// content is replaced, or into the bytes of `in` where they are stored uncompressed: both must
// outlive them.
// The caller bounds `count` (16 bytes of memory each).
// Errors: kCorruption, also where the strings have more than `max_total_bytes` together.
Status DecodeTexts(base::ByteReader& in, std::size_t count, std::size_t max_total_bytes,
                   std::string& arena, std::vector<std::string_view>& out);

// The same, but only the strings of `range` (within `count`) come into `out`.
Status DecodeTextRange(base::ByteReader& in, std::size_t count, StreamRange range,
                       std::size_t max_total_bytes, std::string& arena,
                       std::vector<std::string_view>& out);

}  // namespace tracestore::column
