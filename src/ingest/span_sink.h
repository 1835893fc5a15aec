// SpanSink: where spans go: the next stage of the pipeline, at its end a store or another
// collector.
#pragma once
#include <tracestore/status.h>

#include <functional>
#include <memory>
#include <string_view>

#include "ingest/intake_source.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore {
class Store;
}

namespace tracestore::ingest {

// What goes along with a batch.
struct SpanContext {
  IntakeSource source;  // its texts are valid until Accept() returns
  // Where a stage says which spans it refused, for the answer to the sender; null where nobody
  // asks.
  model::DecodeReport* report = nullptr;
};

// Threads: any number call Accept() at a time.
class SpanSink {
 public:
  virtual ~SpanSink() = default;

  // When it returns success every span of the batch is kept, as the sync policy of what stands
  // behind says, or was dropped by a configured rule, or refused and counted in the report:
  // only then may a receiver acknowledge. May block. On an error none of them is kept. Errors:
  // kBusy (no room now: the sender shall come again), kIo and others as they come.
  virtual Status Accept(model::SpanBatch&& batch, const SpanContext& context) = 0;
};

// Appends to `store`, which is borrowed and must outlive the sink. Looks at no tenant.
std::unique_ptr<SpanSink> MakeStoreSink(Store& store);

// Appends to the store of the batch's tenant. The store that `store_of` gives must outlive the
// sink; it is called for each batch, on the threads of Accept(), and an error of its is Accept()'s.
using TenantStore = std::function<Result<Store*>(std::string_view tenant)>;
std::unique_ptr<SpanSink> MakeTenantStoreSink(TenantStore store_of);

}  // namespace tracestore::ingest
