// The smallest batch: for tests that count spans and don't look into them.
#pragma once
#include <cstdint>

#include "model/span_batch.h"

namespace tracestore::store::testing {

// A span without a service, that began at 1,000,000 + span nanoseconds, of trace {7, trace}.
inline model::SpanBatch OneSpan(std::uint64_t trace, std::uint64_t span) {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  model::SpanRecord& record = batch.spans.emplace_back();
  record.trace_id = {7, trace};
  record.span_id = {span};
  record.name = batch.strings.Intern("work");
  record.start_ns = 1'000'000 + span;
  record.presence = model::kHasStart;
  return batch;
}

}  // namespace tracestore::store::testing
