// A call of GrpcServerOptions::client_streams: many messages of the client, one answer. Private to
// the server.
#pragma once
#include <grpcpp/generic/async_generic_service.h>

#include "net/grpc_calls.h"

namespace tracestore::net {

// Deletes itself when the call is done. The calls and the handler must outlive it.
grpc::ServerGenericBidiReactor* NewClientStream(GrpcCalls& shared,
                                                grpc::GenericCallbackServerContext& context,
                                                const RawHandler& handler);

}  // namespace tracestore::net
