// Fills the table of traces from the rows that are being sealed.
#pragma once
#include "model/span_batch.h"
#include "store/segment/dictionary_builder.h"
#include "store/segment/row_order.h"
#include "store/segment/trace_table.h"

namespace tracestore::store {

struct BuiltTraces {
  TraceTable table;
  ServiceLists services;
};

BuiltTraces BuildTraces(const model::SpanBatch& batch, const RowOrder& order,
                        const DictionaryBuilder& dictionary);

}  // namespace tracestore::store
