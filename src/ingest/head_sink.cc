#include "ingest/head_sink.h"

#include <utility>

#include "base/try.h"

namespace tracestore::ingest {
namespace {

class HeadSink final : public SpanSink {
 public:
  HeadSink(sampling::HeadSampler sampler, SpanSink& next, StageObserver observer)
      : sampler_(sampler), next_(next), observer_(std::move(observer)) {}

  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    if (sampler_.keeps_all()) return next_.Accept(std::move(batch), context);
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
    if (observer_) observer_({"head", "probability", StageAction::kDropped, came - kept, 0});
    return {};
  }

 private:
  const sampling::HeadSampler sampler_;
  SpanSink& next_;
  const StageObserver observer_;
};

}  // namespace

std::unique_ptr<SpanSink> MakeHeadSink(sampling::HeadSampler sampler, SpanSink& next,
                                       StageObserver observer) {
  return std::make_unique<HeadSink>(sampler, next, std::move(observer));
}

}  // namespace tracestore::ingest
