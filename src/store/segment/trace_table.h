// The table of traces of a segment: what is known of each trace part without touching its spans.
#pragma once
#include <cstdint>
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
  std::uint32_t profile = 0;         // its services: an index into TraceTable::profiles
  bool has_start = false;            // a span with a start is here
  bool has_firehose = false;
  bool has_repeats = false;          // several spans with one id: counts need the spans
};

// Parts by start, then id. Immutable once parsed; any thread reads.
struct TraceTable {
  std::vector<TracePart> parts;
  std::vector<std::vector<ServiceCount>> profiles;

  std::string Encode() const;
  // Errors: kCorruption, also where the rows of the parts don't add up to `rows`.
  static Result<TraceTable> Parse(std::string_view section, std::uint32_t rows,
                                  std::uint32_t dictionary_size);
  // The part that holds `row`. Precondition: row < the segment's rows.
  std::size_t PartOf(std::uint32_t row) const noexcept;
};

}  // namespace tracestore::store
