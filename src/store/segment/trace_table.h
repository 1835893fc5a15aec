// The table of traces of a segment: what is known of each trace part without touching its spans.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

namespace tracestore::store {

inline constexpr std::uint32_t kNoRoot = 0xFFFFFFFF;

struct ServiceCount {
  std::uint32_t service = 0;  // dictionary id
  std::uint32_t spans = 0;
  std::uint32_t errors = 0;
  friend bool operator==(const ServiceCount&, const ServiceCount&) = default;
};

// The part of one trace that a segment holds: rows [first_row, first_row + rows).
struct TracePart {
  TraceId id;
  std::uint64_t start_ns = 0;  // least start; 0 where no span has one
  std::uint64_t end_ns = 0;    // greatest end
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  std::uint32_t errors = 0;
  std::uint32_t orphans = 0;         // spans whose parent is not in this part
  std::uint32_t root_row = kNoRoot;  // of these rows: model::RootRank
  std::uint32_t root_name = 0;       // dictionary ids
  std::uint32_t root_service = 0;
  std::uint32_t profile = 0;         // its services: an index into ServiceLists
  bool has_start = false;            // a span with a start is here
  bool has_firehose = false;
  bool has_repeats = false;          // several spans with one id: counts need the spans
};

// Lists of services with their counts. One that several parts share stands once. Immutable once
// made; any thread reads.
class ServiceLists {
 public:
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(ends_.size()); }
  // Precondition: list < size().
  std::span<const ServiceCount> operator[](std::uint32_t list) const noexcept {
    const std::uint32_t begin = list == 0 ? 0 : ends_[list - 1];
    return std::span(counts_).subspan(begin, ends_[list] - begin);
  }
  void Reserve(std::size_t counts, std::size_t lists);
  void Add(std::span<const ServiceCount> list);

 private:
  std::vector<ServiceCount> counts_;  // of all lists, one after the other
  std::vector<std::uint32_t> ends_;
};

// Parts by start, then id. Immutable once parsed; any thread reads.
struct TraceTable {
  std::vector<TracePart> parts;
  std::size_t lists_at = 0;  // where the lists of services begin in the section

  std::string Encode(const ServiceLists& lists) const;
  // All but the lists, which take longer than the rest and who fetches a trace doesn't need.
  // Errors: kCorruption, also where the rows of the parts don't add up to `rows`.
  static Result<TraceTable> Parse(std::string_view section, std::uint32_t rows,
                                  std::uint32_t dictionary_size);
  // The lists of the section that this table was parsed from. Errors: kCorruption, also where a
  // part's list is missing.
  Result<ServiceLists> ParseLists(std::string_view section, std::uint32_t rows,
                                  std::uint32_t dictionary_size) const;
  // The part that holds `row`. Precondition: row < the segment's rows.
  std::size_t PartOf(std::uint32_t row) const noexcept;
};

}  // namespace tracestore::store
