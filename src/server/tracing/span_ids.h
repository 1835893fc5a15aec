// Random ids, as W3C Trace Context asks for them, and the share of traces that is sampled.
#pragma once
#include <tracestore/ids.h>

namespace tracestore::server {

// Never empty. Threads: any.
TraceId RandomTraceId();
SpanId RandomSpanId();

// Whether a trace of random id belongs to a share of them, 0 to 1: by its last 56 bits, so that
// whoever asks for the same share takes the same traces.
bool IsInShare(TraceId id, double share) noexcept;

}  // namespace tracestore::server
