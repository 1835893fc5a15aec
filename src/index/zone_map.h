// ZoneMap: the least and greatest value of a numeric column on each page, so that a range skips
// the pages that can't hold it. One map is one column. Bytes: docs/format/postings.md.
#pragma once
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/page_set.h"
#include <tracestore/status.h>

namespace tracestore::index {

// Signed integers and doubles as unsigned ones of the same order. -0.0 becomes 0.0; NaN is in no
// order: don't add it, and don't ask for it.
constexpr std::uint64_t OrderedBits(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63);
}
constexpr std::uint64_t OrderedBits(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

// Not thread-safe. Pages in any order.
class ZoneMapBuilder {
 public:
  void Add(std::uint32_t page, std::uint64_t value);
  // The same as adding both ends.
  void AddRange(std::uint32_t page, std::uint64_t least, std::uint64_t greatest);
  // Pages without a value are in no range. Precondition: every page was below page_count.
  std::string Finish(std::uint32_t page_count) const;

 private:
  struct Zone {
    std::uint64_t least = ~std::uint64_t{0};
    std::uint64_t greatest = 0;  // below least: no value
  };
  std::vector<Zone> zones_;
};

// Immutable; const methods may run on any thread. Memory: 16 bytes a page.
class ZoneMap {
 public:
  struct Range {
    std::uint64_t least;
    std::uint64_t greatest;  // inclusive
  };

  ZoneMap() = default;
  // `bytes` must be exactly what Finish gave for this page_count, which the caller has checked
  // against the file: 16 bytes of memory are taken for each page. Errors: kCorruption.
  static Result<ZoneMap> Parse(std::string_view bytes, std::uint32_t page_count);

  std::uint32_t page_count() const noexcept { return static_cast<std::uint32_t>(zones_.size()); }
  // Of one page, or nullopt where it has no value. Precondition: page < page_count().
  std::optional<Range> ZoneOf(std::uint32_t page) const noexcept;
  // Of all pages together.
  std::optional<Range> Whole() const noexcept;
  // The pages that may hold a value v with low <= v <= high (both inclusive).
  PageSet PagesOverlapping(std::uint64_t low, std::uint64_t high) const;

 private:
  std::vector<Range> zones_;  // least > greatest: no value
};

}  // namespace tracestore::index
