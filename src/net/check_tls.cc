#include "net/check_tls.h"

#include "base/try.h"
#include "net/grpc_tls.h"
#include "net/tls_context.h"

namespace tracestore::net {

Status CheckTls(const TlsServerOptions& tls, bool for_grpc) {
  if (!tls.enabled) return {};
  if (for_grpc)
    TS_TRY(GrpcServerTls::Open(tls));
  else
    TS_TRY(TlsContext::ForServer(tls));
  return {};
}

Status CheckTls(const TlsClientOptions& tls) {
  if (!tls.enabled) return {};
  TS_TRY(TlsContext::ForClient(tls));
  return {};
}

}  // namespace tracestore::net
