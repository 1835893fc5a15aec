// Makes the summary sections of a segment that is being written.
#pragma once
#include <optional>
#include <utility>

#include "model/span_batch.h"
#include "store/segment/dictionary_builder.h"
#include "store/segment/row_order.h"
#include "store/segment/summary.h"
#include "store/segment/trace_table.h"

namespace tracestore::store {

struct Summaries {
  std::optional<LinkSummary> links;  // none where it would have more cells than there are rows
  MetricSummary metrics;
};

// `traces` is the table of the same rows. Traces without repeats and references to further parents,
// nearly all, cost a few look-ups a span; others are assembled.
Summaries BuildSummaries(const model::SpanBatch& batch, const RowOrder& order,
                         const DictionaryBuilder& dictionary, const TraceTable& traces);

}  // namespace tracestore::store
