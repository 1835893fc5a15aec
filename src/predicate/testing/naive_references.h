// Condition::other as simply as can be, for NaiveSearch.
#pragma once
#include <tracestore/query.h>

#include "model/span_batch.h"

namespace tracestore::predicate::testing {

bool NaiveReferencesMatch(const model::SpanBatch& batch, const model::SpanRecord& span,
                          const Condition& condition);

}  // namespace tracestore::predicate::testing
