// The sample rate of Zipkin's collector as a stage: for spans that came as Zipkin's, by whatever
// transport; others go on.
#pragma once
#include <memory>

#include "ingest/span_sink.h"
#include "ingest/stage_event.h"
#include "ingest/zipkin_counters.h"
#include "sampling/zipkin_sampler.h"

namespace tracestore::ingest {

// Before `next`. Both `next` and `counters` are borrowed; `counters` may be null. Debug spans go on
// always. What is dropped is acknowledged and counted, here as stage "zipkin", rule "sample-rate".
std::unique_ptr<SpanSink> MakeZipkinSampleSink(sampling::ZipkinSampler sampler, SpanSink& next,
                                               StageObserver observer, ZipkinCounters* counters);

}  // namespace tracestore::ingest
