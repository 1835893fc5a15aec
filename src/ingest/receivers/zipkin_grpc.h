// Zipkin over gRPC: the raw method zipkin.proto3.SpanService/Report.
#pragma once
#include "ingest/intake.h"
#include "net/grpc_server.h"

namespace tracestore::ingest {

inline constexpr const char* kZipkinReport = "/zipkin.proto3.SpanService/Report";

// OK with an empty ReportResponse once the spans are kept; INVALID_ARGUMENT with Zipkin's own
// sentence (a message with a bad span is refused as a whole; Zipkin's code is INTERNAL, which
// some clients send again), RESOURCE_EXHAUSTED (busy) and UNAVAILABLE (the store can't write) with
// RetryInfo. `intake` is borrowed and must outlive the handlers.
net::RawGrpcServices ZipkinGrpcServices(const Intake& intake);

}  // namespace tracestore::ingest
