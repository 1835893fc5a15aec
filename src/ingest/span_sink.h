// SpanSink: where receivers put the spans they decoded.
#pragma once
#include <memory>

#include <tracestore/status.h>

#include "model/span_batch.h"

namespace tracestore {
class Store;
}

namespace tracestore::ingest {

// Threads: any number call Accept() at a time.
class SpanSink {
 public:
  virtual ~SpanSink() = default;

  // When it returns success every span of the batch is kept, as the sync policy of what stands
  // behind says: only then may a receiver acknowledge. May block. On an error none of them is.
  // Errors: kBusy (no room now: the sender shall come again), kIo and others as they come.
  virtual Status Accept(model::SpanBatch&& batch) = 0;
};

// Appends to `store`, which is borrowed and must outlive the sink.
std::unique_ptr<SpanSink> MakeStoreSink(Store& store);

}  // namespace tracestore::ingest
