// gRPC's credentials from TLS options. Private to the gRPC server and client: it shows gRPC's
// types.
#pragma once
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <tracestore/status.h>

#include "net/tls.h"
#include "net/tls_context.h"

namespace tracestore::net {

// The TLS files of a gRPC server. gRPC watches files by itself, once a second, and shows whatever is in
// them, an expired certificate or none: it is given copies in memory, of files that could be used. It
// speaks TLS 1.2 and 1.3 with a fixed list of ciphers. Outlives the server. Threads: any.
class GrpcServerTls {
 public:
  // Errors: those of TlsContext; kUnsupported for a cipher list or a version that gRPC can't be held
  // to; kIo where there is no memory file.
  static Result<std::unique_ptr<GrpcServerTls>> Open(const TlsServerOptions& tls);
  ~GrpcServerTls();
  GrpcServerTls(const GrpcServerTls&) = delete;
  GrpcServerTls& operator=(const GrpcServerTls&) = delete;

  std::shared_ptr<grpc::ServerCredentials> MakeCredentials() const;
  // Looks at the files, at most once per TlsServerOptions::reload_interval, and copies changed ones
  // that can be used: gRPC has them within a second.
  void Refresh();

 private:
  struct Copy {
    std::string path;  // of the file
    int fd = -1;       // of its copy
  };
  GrpcServerTls(TlsServerOptions options, std::shared_ptr<TlsContext> context)
      : options_(std::move(options)), context_(std::move(context)) {}
  Status MakeCopy(const std::string& path);
  static Status Fill(const Copy& copy);
  static std::string PathOf(const Copy& copy);

  const TlsServerOptions options_;
  const std::shared_ptr<TlsContext> context_;
  std::mutex mutex_;
  std::vector<Copy> copies_;           // certificate, key, and the clients' CAs where there are any
  std::shared_ptr<ssl_ctx_st> copied_;  // guarded by mutex_: of the files that the copies are of
};

// Plain if TLS is not enabled. May add to `arguments`.
Result<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const TlsClientOptions& tls, grpc::ChannelArguments& arguments);

}  // namespace tracestore::net
