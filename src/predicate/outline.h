// What a leaf asks that a trace's summary knows, and three-valued answers from such knowledge.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/query.h>

namespace tracestore::predicate {

// kMaybe: only the spans tell.
enum class Verdict : std::uint8_t { kNo, kYes, kMaybe };

constexpr Verdict Or(Verdict a, Verdict b) noexcept {
  if (a == Verdict::kYes || b == Verdict::kYes) return Verdict::kYes;
  return a == Verdict::kNo && b == Verdict::kNo ? Verdict::kNo : Verdict::kMaybe;
}

// A span that meets the leaf is of one of `services` (of any where that is empty) and, with
// `errors_only`, has the status error. `exact`: a span that is so meets the leaf; else it may not.
// Query::span_start is not looked at.
struct LeafOutline {
  std::vector<std::string> services;
  bool errors_only = false;
  bool exact = false;
};

// Of an expression on one span (validated: conditions on spans, And, Or, Not).
LeafOutline OutlineOf(const Expression& leaf);

}  // namespace tracestore::predicate
