// Whether TLS would start, without a listener or a connection.
#pragma once
#include <tracestore/status.h>

#include "net/tls.h"

namespace tracestore::net {

// Read the files as a server or client that starts does; what isn't `enabled` is not looked at.
// Errors: those of TlsContext, whose sentences begin with "TLS certificate file PATH: " (or "key",
// "key store", "client CA", "CA") where one file is at fault; of a gRPC server also those of
// GrpcServerOptions::tls.
Status CheckTls(const TlsServerOptions& tls, bool for_grpc);
Status CheckTls(const TlsClientOptions& tls);

}  // namespace tracestore::net
