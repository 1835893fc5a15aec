// Search as simply as can be: the model that the real one is held against in tests. Shares no code
// with CompiledQuery.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <tracestore/query.h>

#include "model/span_batch.h"

namespace tracestore::predicate::testing {

struct NaiveResult {
  TraceId trace_id;
  std::uint64_t order_key = 0;  // earliest start, or duration, as Query::order says
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::string root_service;
  std::string root_operation;
  std::uint64_t span_count = 0;  // spans equal in every field once
  std::uint64_t error_count = 0;
  std::uint64_t orphan_count = 0;  // spans whose parent isn't in the trace
  struct Service {
    std::uint64_t spans = 0;
    std::uint64_t errors = 0;
  };
  std::map<std::string, Service> services;
};

// All matching traces of the batches together, in the query's order; limit, cursor and deadline are
// ignored. The query must be right (bad ones match nothing).
std::vector<NaiveResult> NaiveSearch(std::span<const model::SpanBatch* const> batches,
                                     const Query& query);

// Rows of one batch that satisfy `where`'s single-span expression (an Expression of conditions on
// spans, And, Or, Not) and started in the range.
bool NaiveSpanMatches(const model::SpanBatch& batch, const model::SpanRecord& span,
                      const Expression& expression, const TimeRange& span_start);

}  // namespace tracestore::predicate::testing
