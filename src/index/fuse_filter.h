// FuseFilter: is this 64-bit hash one of the set? "No" is certain; "yes" is wrong once in 256.
//
// An 8-bit binary fuse filter with four probes (T. M. Graf, D. Lemire, "Binary Fuse Filters: Fast
// and Smaller Than Xor Filters", 2022): a key's fingerprint is the xor of one byte of each of four
// neighbouring segments of the array. Bytes: docs/format/filters.md.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tracestore/status.h>

namespace tracestore::index {

// Immutable; const methods may run on any thread. Owns its bytes: 9.3 bits a key at 16,000 keys,
// 8.9 at 100,000, more for small sets (10.7 at 1,000).
class FuseFilter {
 public:
  // Duplicates are allowed. About 0.1 µs a key and 40 bytes a key of temporary memory. The hashes
  // are mixed again with a seed, so ids that are not uniform may be given as they are.
  // Errors: kInvalidArgument when there are more than 2^27 keys, or (never seen) when no seed fits:
  // the caller then keeps no filter, which means "may contain anything".
  static Result<FuseFilter> Build(std::span<const std::uint64_t> hashes);

  // The filter of the empty set.
  FuseFilter() = default;

  bool MayContain(std::uint64_t hash) const noexcept;
  std::size_t size_bytes() const noexcept { return fingerprints_.size(); }

  void AppendTo(std::string& out) const;
  // `bytes` must be exactly one filter; it is copied. Errors: kCorruption.
  static Result<FuseFilter> Parse(std::string_view bytes);

 private:
  std::uint32_t attempt_ = 0;  // numbers the seed
  std::uint8_t segment_bits_ = 0;
  std::uint32_t starts_ = 0;  // segments in which a first probe may lie; 0 for the empty set
  std::string fingerprints_;  // (starts_ + 3) << segment_bits_ bytes, or none
};

}  // namespace tracestore::index
