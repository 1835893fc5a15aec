// Condition::other as simply as can be, for NaiveSearch.
#pragma once
#include <tracestore/query.h>

#include "model/span_batch.h"

namespace tracestore::predicate::testing {

// Whether `left op right`; false for what is no comparison.
template <typename Number>
bool Ordered(CompareOp op, Number left, Number right) {
  switch (op) {
    case CompareOp::kEqual: return left == right;
    case CompareOp::kNotEqual: return left != right;
    case CompareOp::kLess: return left < right;
    case CompareOp::kLessEqual: return left <= right;
    case CompareOp::kGreater: return left > right;
    case CompareOp::kGreaterEqual: return left >= right;
    default: return false;
  }
}

bool NaiveReferencesMatch(const model::SpanBatch& batch, const model::SpanRecord& span,
                          const Condition& condition);

}  // namespace tracestore::predicate::testing
