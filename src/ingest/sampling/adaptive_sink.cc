#include "ingest/sampling/adaptive_sink.h"

#include <utility>

#include "base/try.h"
#include "sampling/adaptive/adaptive_sampler.h"

namespace tracestore::ingest {
namespace {

class AdaptiveSink final : public SpanSink {
 public:
  AdaptiveSink(sampling::AdaptiveSampler& sampler, SpanSink& next)
      : sampler_(sampler), next_(next) {}

  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    const auto roots = sampling::RootSpansOf(batch);
    TS_TRY(next_.Accept(std::move(batch), context));
    sampler_.Record(roots);  // not of a refused batch: it comes again
    return {};
  }

 private:
  sampling::AdaptiveSampler& sampler_;
  SpanSink& next_;
};

}  // namespace

std::unique_ptr<SpanSink> MakeAdaptiveSink(sampling::AdaptiveSampler& sampler, SpanSink& next) {
  return std::make_unique<AdaptiveSink>(sampler, next);
}

}  // namespace tracestore::ingest
