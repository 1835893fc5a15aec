#include <tracestore/store.h>

#include <utility>

#include "ingest/span_sink.h"

namespace tracestore::ingest {
namespace {

class StoreSink final : public SpanSink {
 public:
  explicit StoreSink(Store& store) : store_(store) {}
  Status Accept(model::SpanBatch&& batch, const SpanContext& /*context*/) override {
    return store_.AppendBatch(std::move(batch));
  }

 private:
  Store& store_;
};

}  // namespace

std::unique_ptr<SpanSink> MakeStoreSink(Store& store) { return std::make_unique<StoreSink>(store); }

}  // namespace tracestore::ingest
