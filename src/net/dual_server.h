// DualServer: HTTP and gRPC on one port, told apart by the first bytes of a connection: what has no
// preface of HTTP/2 is HTTP, and what has one is what its first request is. Who sends none within a
// second is gRPC. Under TLS the ClientHello says who speaks HTTP/2: who offers h2 and no http/1.1
// (ALPN). Of the bytes behind it the same holds.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "net/grpc_server.h"
#include "net/http_server.h"

namespace tracestore::net {

struct DualServerOptions {
  std::string host = "127.0.0.1";  // a name or an address; "" = all interfaces
  std::uint16_t port = 0;          // 0 = a free one, see DualServer::port()
  // Their hosts, ports, `listen` and `tls` are not looked at.
  HttpServerOptions http;
  GrpcServerOptions grpc;
  TlsServerOptions tls;  // with `enabled`, TLS and nothing else; HTTP/2 takes no TLS below 1.2
  // In which a connection's first bytes must come, and its handshake, and the first bytes behind
  // it; at most so many wait for each, beyond which the one that waits longest is closed.
  std::chrono::milliseconds first_bytes_timeout{10'000};
  std::size_t max_waiting = 1024;
};

class DualServer {
 public:
  // Listens, then serves until Stop(). Errors as HttpServer::Start.
  static Result<std::unique_ptr<DualServer>> Start(DualServerOptions options, HttpHandler handler,
                                                   RawGrpcServices methods);

  ~DualServer();  // Stop(0)
  DualServer(const DualServer&) = delete;
  DualServer& operator=(const DualServer&) = delete;

  std::uint16_t port() const noexcept;

  // Accepts nothing more, then stops both within `grace` as each of them does. May be called again;
  // not from a handler.
  void Stop(std::chrono::milliseconds grace);

  // Connections open now, beside those that haven't said anything. Any thread.
  std::size_t connections() const;

 private:
  struct Impl;
  explicit DualServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
