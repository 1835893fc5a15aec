// The summary sections of a segment: calls between services, and calls, errors and latency of each
// operation, counted at sealing, so that no span is read to add them up.
//
// Counts are of the parts of traces that the segment holds, each by itself, spans equal in every
// field once: whoever adds up segments takes out the traces that have rows elsewhere too.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/span_types.h>
#include <tracestore/status.h>

namespace tracestore::store {

// The times that counts are kept apart by. A step holds spans that began in
// [begins_ns[i], begins_ns[i] + step_ns); step begins_ns.size() those without a start.
struct SummarySteps {
  std::uint64_t step_ns = 1;
  std::vector<std::uint64_t> begins_ns;  // ascending, multiples of step_ns

  std::uint32_t startless() const noexcept { return static_cast<std::uint32_t>(begins_ns.size()); }
  // The step that holds a start; kNone where none does.
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::uint32_t StepOf(std::uint64_t start_ns) const noexcept;
};

// Calls by Jaeger's rule (docs/format/semantics.md, "Services"), by caller, callee, step.
struct LinkSummary {
  struct Cell {
    std::uint32_t caller = 0;  // dictionary ids
    std::uint32_t callee = 0;
    std::uint32_t step = 0;
    std::uint32_t calls = 0;   // at least 1
    std::uint32_t errors = 0;
  };
  SummarySteps steps;
  std::vector<Cell> cells;

  std::string Encode() const;
  // `rows` bounds the number of cells. Errors: kCorruption.
  static Result<LinkSummary> Parse(std::string_view section, std::uint32_t rows,
                                   std::uint32_t dictionary_size);
};

// By service, operation, kind, step.
struct MetricSummary {
  struct Bucket {
    std::uint32_t number = 0;  // model::LatencyHistogram's
    std::uint32_t count = 0;
  };
  struct Cell {
    std::uint32_t service = 0;  // dictionary ids
    std::uint32_t operation = 0;
    SpanKind kind = SpanKind::kUnspecified;
    std::uint32_t step = 0;
    std::uint32_t calls = 0;    // at least 1
    std::uint32_t errors = 0;
    std::uint32_t first_bucket = 0;  // buckets [first_bucket, the next cell's), ascending
  };
  SummarySteps steps;
  std::vector<Cell> cells;
  std::vector<Bucket> buckets;

  std::uint32_t EndOfBuckets(std::size_t cell) const noexcept {
    return cell + 1 < cells.size() ? cells[cell + 1].first_bucket
                                   : static_cast<std::uint32_t>(buckets.size());
  }
  std::string Encode() const;
  static Result<MetricSummary> Parse(std::string_view section, std::uint32_t rows,
                                     std::uint32_t dictionary_size);
};

}  // namespace tracestore::store
