#include <tracestore/store.h>

#include <utility>

#include "base/try.h"
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

class TenantStoreSink final : public SpanSink {
 public:
  explicit TenantStoreSink(TenantStore store_of) : store_of_(std::move(store_of)) {}
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    TS_TRY_ASSIGN(Store* const store, store_of_(context.source.tenant));
    return store->AppendBatch(std::move(batch));
  }

 private:
  const TenantStore store_of_;
};

}  // namespace

std::unique_ptr<SpanSink> MakeTenantStoreSink(TenantStore store_of) {
  return std::make_unique<TenantStoreSink>(std::move(store_of));
}

std::unique_ptr<SpanSink> MakeStoreSink(Store& store) { return std::make_unique<StoreSink>(store); }

}  // namespace tracestore::ingest
