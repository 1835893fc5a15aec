// Tail sampling as a stage of a service's pipeline.
#pragma once
#include <tracestore/status.h>

#include "ingest/span_sink.h"
#include "ingest/stage_event.h"
#include "service/service.h"

namespace tracestore::tools {

// The tail sampler before the store, or `next` where no policies are configured: then what waits
// from an earlier run is kept, all of it. Errors: those of the policies, with their place;
// kInvalidArgument where there is no store; the sampler's.
Result<ingest::SpanSink*> WithTailSampling(Service& service, ingest::SpanSink& next,
                                           const ingest::StageObserver& observer);

}  // namespace tracestore::tools
