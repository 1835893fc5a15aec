// Comparison of two things that a span has (Condition::other): the slow general form.
#pragma once
#include <tracestore/query.h>

#include "model/span_batch.h"

namespace tracestore::predicate {

// The span, and those of its events and references that are looked at.
struct ReferenceView {
  const model::SpanRecord* span;
  model::Range events;
  model::Range references;
};

// Whether two of both sides' values compare so. Precondition: `condition.other`, validated.
bool ReferencesCompare(const model::SpanBatch& batch, const ReferenceView& view,
                       const Condition& condition);

}  // namespace tracestore::predicate
