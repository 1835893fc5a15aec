// Where a gRPC client calls, as operators write it: "host:port" or gRPC's own names of targets.
#pragma once
#include <tracestore/status.h>

#include <string>

#include "ingest/forward/forward_target.h"
#include "net/grpc_client.h"

namespace tracestore::ingest {

// Options for calls to "host:port", "dns:///host:port" (Jaeger's agents are told so beside headless
// services), "dns://name-server[:port]/host:port" or "passthrough:///host:port"; calls go to all
// addresses of a name in turn, as from Jaeger's. Errors: kInvalidArgument.
Result<net::GrpcClientOptions> GrpcClientAt(const std::string& address,
                                            const CollectorAccess& access);

}  // namespace tracestore::ingest
