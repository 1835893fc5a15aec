// AdaptiveSink: a stage of the pipeline that lets adaptive sampling see the root spans that were
// kept.
#pragma once
#include <memory>

#include "ingest/span_sink.h"

namespace tracestore::sampling {
class AdaptiveSampler;
}

namespace tracestore::ingest {

// Hands every batch on to `next` as it is; the roots of one that was kept are counted. Both are
// borrowed and must outlive the sink. Stands before tail sampling: what is dropped later was
// sampled all the same.
std::unique_ptr<SpanSink> MakeAdaptiveSink(sampling::AdaptiveSampler& sampler, SpanSink& next);

}  // namespace tracestore::ingest
