// What a leaf of a query tells an index: conditions that every matching span meets.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/query.h>

namespace tracestore::predicate {

// One thing that a span has. Texts are never empty, but a service may be: the span names none.
struct Hint {
  enum class Kind : std::uint8_t {
    kService,           // a: service, "" for none
    kServiceOperation,  // a: service, "" for none, b: operation
    kOperation,         // a: operation
    kAttributeEqual,    // a: key, b: canonical text of the value, at `level`
    kAttributeExists,   // a: key, at `level`
    kKind,              // kind
    kStatus,            // status
    kEventName,         // a: name
    kScopeName,         // a: name
    kLinkTraceId,       // trace_id
    kTraceId,           // trace_id
    kSpanId,            // span_id
    kParentId,          // span_id; never empty
  };
  Kind kind = Kind::kService;
  Level level = Level::kAny;  // kAttributeEqual, kAttributeExists; kAny: at one of the five
  std::string a;
  std::string b;
  SpanKind span_kind = SpanKind::kUnspecified;
  StatusCode status = StatusCode::kUnset;
  TraceId trace_id;
  SpanId span_id;

  friend bool operator==(const Hint&, const Hint&) = default;
};

// A matching span meets at least one of each inner list (AND of ORs). Sound, not complete: a span
// that meets them may still not match; a reader may ignore any of the inner lists.
using LeafHints = std::vector<std::vector<Hint>>;

// Inclusive bounds of a number; `least` > `most` where nothing can match.
struct Bounds {
  std::uint64_t least = 0;
  std::uint64_t most = ~std::uint64_t{0};

  bool all() const noexcept { return least == 0 && most == ~std::uint64_t{0}; }
  bool Contains(std::uint64_t value) const noexcept { return least <= value && value <= most; }
  bool Overlaps(std::uint64_t low, std::uint64_t high) const noexcept {
    return least <= high && low <= most && least <= most;
  }
  // Narrows to what `op value` leaves; operators that bound nothing change nothing.
  void Narrow(CompareOp op, std::uint64_t value) noexcept;
};

// Of an expression on one span (validated: conditions on spans, And, Or, Not).
LeafHints HintsOf(const Expression& leaf);
// What `field` (kDuration, kStart, kTraceDuration, kTraceStart, kTraceSpans) must lie in for the
// expression to be true: from conditions in conjunctive position. all() does not promise that the
// field is present.
Bounds BoundsOf(const Expression& expression, Field field);

}  // namespace tracestore::predicate
