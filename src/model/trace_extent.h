// What is said of a trace from its spans alone, in any order: start, end, and which span is the
// root. Search, summaries and the table of traces must agree, so the rules stand here once
// (docs/format/semantics.md, "Trace").
#pragma once
#include <algorithm>
#include <compare>
#include <cstdint>

#include "model/span_batch.h"

namespace tracestore::model {

// Where a span with a start ends: start plus duration; its start where the duration is absent or
// the end lies before the start.
inline std::uint64_t SpanEnd(const SpanRecord& span) noexcept {
  return std::max(span.start_ns, span.end_ns());
}

// Earliest start and latest end of the spans that have a start; spans without one don't count.
struct TraceExtent {
  bool has_start = false;
  std::uint64_t start_ns = 0;  // Unix nanoseconds; 0 where no span has a start
  std::uint64_t end_ns = 0;    // never before start_ns

  void Add(const SpanRecord& span) noexcept {
    if (!span.has_start()) return;
    Add(span.start_ns, SpanEnd(span));
  }
  // The extent of a part of the trace.
  void Add(const TraceExtent& part) noexcept {
    if (part.has_start) Add(part.start_ns, part.end_ns);
  }
  void Add(std::uint64_t start, std::uint64_t end) noexcept {
    start_ns = has_start ? std::min(start_ns, start) : start;
    end_ns = has_start ? std::max(end_ns, end) : end;
    has_start = true;
  }
  std::uint64_t duration_ns() const noexcept { return end_ns - start_ns; }
};

// Orders the spans of a trace by how good a root they are, the root least: no parent before a
// parent that isn't in the trace before a parent that is; then earlier start (spans without one
// last), then lower span id. Spans that tie are told apart by service, then name.
struct RootRank {
  enum Class : std::uint8_t { kNoParent, kParentElsewhere, kParentHere };

  std::uint8_t parent = kParentHere;
  bool no_start = true;
  std::uint64_t start_ns = 0;
  SpanId span_id;

  static RootRank Of(const SpanRecord& span, bool parent_in_trace) noexcept {
    const Class parent = span.parent_id.empty() ? kNoParent
                         : parent_in_trace      ? kParentHere
                                                : kParentElsewhere;
    return {parent, !span.has_start(), span.start_ns, span.span_id};
  }
  auto operator<=>(const RootRank&) const noexcept = default;
};

}  // namespace tracestore::model
