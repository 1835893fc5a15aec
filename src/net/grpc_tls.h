// gRPC's credentials from TLS options. Private to the gRPC server and client: it shows gRPC's
// types.
#pragma once
#include <grpc/grpc_security.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <mutex>
#include <utility>

#include <tracestore/status.h>

#include "net/tls.h"
#include "net/tls_context.h"

namespace tracestore::net {

// The TLS of a gRPC server. At each handshake gRPC asks for its certificate and gets the one of the
// files as they are then, its key and the clients' CAs with it; never those of two states of the
// files, nor of files that can't be used, or that gRPC can't use: TlsServerOptions::on_reload is told,
// and the ones before serve on. It speaks TLS 1.2 and 1.3 with a fixed list of ciphers.
// Threads: any.
class GrpcServerTls {
 public:
  // Errors: those of TlsContext; kUnsupported for a cipher list or a version that gRPC can't be
  // held to, or a certificate that it can't read.
  static Result<std::unique_ptr<GrpcServerTls>> Open(const TlsServerOptions& tls);
  GrpcServerTls(const GrpcServerTls&) = delete;
  GrpcServerTls& operator=(const GrpcServerTls&) = delete;

  // They ask this object, which outlives every server that has them.
  std::shared_ptr<grpc::ServerCredentials> MakeCredentials();

 private:
  GrpcServerTls(TlsServerOptions options, std::shared_ptr<TlsContext> context)
      : options_(std::move(options)), context_(std::move(context)) {}
  bool asks_clients() const noexcept { return !options_.client_ca_file.empty(); }
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);

  const TlsServerOptions options_;
  const std::shared_ptr<TlsContext> context_;
  std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> given_;    // guarded by mutex_: gRPC has its certificate
  std::shared_ptr<ssl_ctx_st> refused_;  // guarded by mutex_: the one that it can't have
};

// Plain if TLS is not enabled. May add to `arguments`.
Result<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const TlsClientOptions& tls, grpc::ChannelArguments& arguments);

}  // namespace tracestore::net
