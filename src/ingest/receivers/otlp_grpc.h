// OTLP over gRPC: the raw method TraceService/Export.
#pragma once
#include "ingest/intake.h"
#include "net/grpc_server.h"

namespace tracestore::ingest {

inline constexpr const char* kOtlpTraceExport =
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

// OK with an ExportTraceServiceResponse once the spans are kept; INVALID_ARGUMENT (malformed),
// RESOURCE_EXHAUSTED (busy) and UNAVAILABLE (the store can't write) with RetryInfo.
// `intake` is borrowed and must outlive the handlers.
net::RawGrpcServices OtlpGrpcServices(const Intake& intake);

}  // namespace tracestore::ingest
