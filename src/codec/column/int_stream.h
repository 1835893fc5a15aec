// A stream of unsigned 64-bit integers that chooses its own encoding among: constant, bit-packed
// above a minimum, log bucket, varints or bytes through a frame, each of them also on first
// differences and with a common factor taken out (docs/format/column-encodings.md, "Integer
// stream"). Nothing is lost over the full 64-bit range.
//
// Size: a constant costs 1 byte (below 31) or 1 + varint; random 64-bit values 8 bytes each + 2;
// times and durations lie within 1 % of the order-0 entropy of their bucket. The choice uses exact
// sizes and histograms; at most two candidates are really encoded.
// Threads: any; scratch memory is reused per thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include <tracestore/status.h>

namespace tracestore::column {

// Appends the values; their count is not stored. No values are no bytes.
void EncodeInts(std::span<const std::uint64_t> values, std::string& out);

// Reads `count` values into `out` (resized to `count`). The caller bounds `count`: a constant
// stream of any count takes few bytes, and 8 bytes of memory are taken for each value.
// Errors: kCorruption; the content of `out` is then unspecified.
[[nodiscard]] Status DecodeInts(base::ByteReader& in, std::size_t count,
                                std::vector<std::uint64_t>& out);

// Some neighbours of a stream's values.
struct StreamRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const noexcept { return end - begin; }
};

// The same, but only the values of `range` (within `count`) come into `out`. Reads `in` to the same
// place; what costs per value is left out for the others where the encoding allows.
[[nodiscard]] Status DecodeIntRange(base::ByteReader& in, std::size_t count, StreamRange range,
                                    std::vector<std::uint64_t>& out);

// The same for signed values, by zigzag: small magnitudes of either sign are small.
void EncodeSignedInts(std::span<const std::int64_t> values, std::string& out);
[[nodiscard]] Status DecodeSignedInts(base::ByteReader& in, std::size_t count,
                                      std::vector<std::int64_t>& out);

}  // namespace tracestore::column
