// What Jaeger 2.x reads of a storage back end: jaeger.storage.v2 (docs/format/jaeger-storage.md).
#pragma once
#include "net/grpc_server.h"
#include "server/jaeger/query_api.h"

namespace tracestore::server {

// TraceReader, DependencyReader and Capabilities. Of the options snapshot, observer and the
// search's deadline count. Spans are given as they were stored, as often as they were, one trace in
// memory at a time.
net::RawGrpcServices StorageV2Readers(JaegerQueryOptions options);

// What grpc.health.v1.Health says SERVING of beside: the writer is OTLP's TraceService.
inline constexpr const char* kStorageV2WriterHealth = "jaeger.storage.v2.TraceWriter";

}  // namespace tracestore::server
