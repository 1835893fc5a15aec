// AdaptiveSink: a stage of the pipeline that lets adaptive sampling see the root spans that were
// kept.
#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "ingest/span_sink.h"

namespace tracestore::sampling {
class AdaptiveSampler;
}

namespace tracestore::ingest {

// Hands every batch on to `next` as it is; the roots of one that was kept are counted. Both are
// borrowed and must outlive the sink. Stands before head and tail sampling: what is dropped
// later was sampled all the same.
std::unique_ptr<SpanSink> MakeAdaptiveSink(sampling::AdaptiveSampler& sampler, SpanSink& next);

// The same with the sampler of the batch's tenant; null: they aren't counted. Any thread asks.
using SamplerOfTenant = std::function<sampling::AdaptiveSampler*(std::string_view tenant)>;
std::unique_ptr<SpanSink> MakeAdaptiveSink(SamplerOfTenant sampler_of, SpanSink& next);

}  // namespace tracestore::ingest
