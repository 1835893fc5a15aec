// gRPC's credentials from TLS options. Private to the gRPC server and client: it shows gRPC's
// types.
#pragma once
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>

#include <tracestore/status.h>

#include "net/tls.h"

namespace tracestore::net {

// gRPC watches the files by itself, once a second, and keeps what it has while they can't be used.
// It speaks TLS 1.2 and 1.3 with a fixed list of ciphers. Errors: those of TlsContext;
// kUnsupported for a cipher list or a version that gRPC can't be held to.
Result<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsServerOptions& tls);

// Plain if TLS is not enabled. May add to `arguments`.
Result<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const TlsClientOptions& tls, grpc::ChannelArguments& arguments);

}  // namespace tracestore::net
