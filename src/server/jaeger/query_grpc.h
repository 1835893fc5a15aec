// Jaeger's query API over gRPC: jaeger.api_v2.QueryService and jaeger.api_v3.QueryService
// (docs/format/jaeger-grpc-query.md).
#pragma once
#include "net/grpc_server.h"
#include "server/jaeger/query_api.h"

namespace tracestore::server {

// The methods of both. Traces are streamed, one in memory at a time, in messages that clients take
// by default; the store's work for a call ends with it. The observer gets method paths and gRPC's
// codes by number.
net::RawGrpcServices JaegerQueryGrpcServices(JaegerQueryOptions options);

}  // namespace tracestore::server
