// Head sampling as a stage: a share of all traces goes on, the rest is acknowledged and counted.
#pragma once
#include <memory>

#include "ingest/span_sink.h"
#include "ingest/stage_event.h"
#include "sampling/head_sampler.h"

namespace tracestore::ingest {

// Before `next`, which is borrowed. Debug and firehose spans go on always.
std::unique_ptr<SpanSink> MakeHeadSink(sampling::HeadSampler sampler, SpanSink& next,
                                       StageObserver observer);

}  // namespace tracestore::ingest
