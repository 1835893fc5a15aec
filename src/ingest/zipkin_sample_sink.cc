#include "ingest/zipkin_sample_sink.h"

#include <utility>

#include "base/try.h"

namespace tracestore::ingest {
namespace {

class ZipkinSampleSink final : public SpanSink {
 public:
  ZipkinSampleSink(sampling::ZipkinSampler sampler, SpanSink& next, StageObserver observer,
                   ZipkinCounters* counters)
      : sampler_(sampler), next_(next), observer_(std::move(observer)), counters_(counters) {}

  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    if (sampler_.keeps_all() || !IsZipkin(context.source))
      return next_.Accept(std::move(batch), context);
    const std::size_t came = batch.size();
    std::erase_if(batch.spans,
                  [&](const model::SpanRecord& span) { return !sampler_.Keeps(span); });
    const std::size_t kept = batch.size();
    if (kept == came) return next_.Accept(std::move(batch), context);
    if (kept != 0) {
      // What only dropped spans had must not be written.
      model::SpanBatch rest;
      model::BatchAppender appender(rest);
      appender.SetSource(batch);
      for (std::uint32_t row = 0; row < kept; ++row) appender.Append(row);
      TS_TRY(next_.Accept(std::move(rest), context));
    }
    if (observer_) observer_({"zipkin", "sample-rate", StageAction::kDropped, came - kept, 0});
    if (counters_ != nullptr) counters_->CountSampledAway(context.source, came - kept);
    return {};
  }

 private:
  const sampling::ZipkinSampler sampler_;
  SpanSink& next_;
  const StageObserver observer_;
  ZipkinCounters* const counters_;
};

}  // namespace

std::unique_ptr<SpanSink> MakeZipkinSampleSink(sampling::ZipkinSampler sampler, SpanSink& next,
                                               StageObserver observer, ZipkinCounters* counters) {
  return std::make_unique<ZipkinSampleSink>(sampler, next, std::move(observer), counters);
}

}  // namespace tracestore::ingest
