// Jaeger's collector over gRPC: the raw method CollectorService/PostSpans
// (docs/format/jaeger-protobuf.md).
#pragma once
#include "ingest/intake.h"
#include "net/grpc_server.h"

namespace tracestore::ingest {

inline constexpr const char* kJaegerPostSpans = "/jaeger.api_v2.CollectorService/PostSpans";

// OK with an empty PostSpansResponse once the spans are kept; INVALID_ARGUMENT (malformed),
// RESOURCE_EXHAUSTED (busy) and UNAVAILABLE (the store can't write) with RetryInfo. `intake` is
// borrowed and must outlive the handlers.
net::RawGrpcServices JaegerGrpcServices(const Intake& intake);

}  // namespace tracestore::ingest
