// gRPC's server reflection, grpc.reflection.v1 and v1alpha: grpcurl and its like ask a server what
// it has and how its messages are written.
#pragma once
#include "net/grpc_server.h"

namespace tracestore::server {

// Adds its two methods to those of a server, of whose services they tell, and of health and of
// themselves. What they know of a service is its .proto file, where that is one of ours.
void AddReflection(net::RawGrpcServices& methods);

}  // namespace tracestore::server
