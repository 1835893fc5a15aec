// Whether a structured filter is right, as Jaeger judges it (docs/format/jaeger-filter.md).
#pragma once
#include <tracestore/status.h>

#include <vector>

#include "codec/jaeger/filter_tree.h"
#include "server/jaeger/filter_words.h"

namespace tracestore::server {

// A term whose words are known and whose constants are read.
struct CheckedTerm {
  FilterOp op = FilterOp::kAnd;           // kCall
  Level level = Level::kSpanOrResource;   // kAttribute, kNested
  const FilterField* field = nullptr;     // kField
  std::vector<FilterConstant> constants;  // kScalar: one; kList
  // Inside a `some` over events (links).
  bool in_event = false;
  bool in_link = false;
};

struct CheckedFilter {
  codec::FilterTree tree;
  std::vector<CheckedTerm> terms;  // by the tree's

  const codec::FilterTerm& raw(std::uint32_t term) const { return tree.terms[term]; }
};

// Calls within one another, the root included.
inline constexpr unsigned kMaxFilterDepth = 20;

// The first step: terms are there, constants are what they declare, calls nest at most
// kMaxFilterDepth deep. Errors: kInvalidArgument with Jaeger's sentence, to be put behind
// "malformed parameter query.filter: ".
Result<CheckedFilter> ReadFilter(codec::FilterTree tree);

// The second: operators, their arguments and types. Errors: kInvalidArgument, to be put behind
// "invalid query filter: ".
Status ValidateFilter(CheckedFilter& filter);

}  // namespace tracestore::server
