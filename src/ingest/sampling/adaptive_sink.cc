#include "ingest/sampling/adaptive_sink.h"

#include <utility>

#include "base/try.h"
#include "sampling/adaptive/adaptive_sampler.h"

namespace tracestore::ingest {
namespace {

class AdaptiveSink final : public SpanSink {
 public:
  AdaptiveSink(SamplerOfTenant sampler_of, SpanSink& next)
      : sampler_of_(std::move(sampler_of)), next_(next) {}

  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    const auto roots = sampling::RootSpansOf(batch);
    TS_TRY(next_.Accept(std::move(batch), context));
    if (roots.empty()) return {};
    // Not of a refused batch: it comes again.
    if (auto* sampler = sampler_of_(context.source.tenant); sampler != nullptr)
      sampler->Record(roots);
    return {};
  }

 private:
  const SamplerOfTenant sampler_of_;
  SpanSink& next_;
};

}  // namespace

std::unique_ptr<SpanSink> MakeAdaptiveSink(sampling::AdaptiveSampler& sampler, SpanSink& next) {
  return MakeAdaptiveSink([&sampler](std::string_view /*tenant*/) { return &sampler; }, next);
}

std::unique_ptr<SpanSink> MakeAdaptiveSink(SamplerOfTenant sampler_of, SpanSink& next) {
  return std::make_unique<AdaptiveSink>(std::move(sampler_of), next);
}

}  // namespace tracestore::ingest
