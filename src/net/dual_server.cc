#include "net/dual_server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "net/connection_sorter.h"
#include "net/loopback_pair.h"
#include "net/tls_carrier.h"

namespace tracestore::net {

// In the order in which connections go: from a sorter to the servers, or, under TLS, perhaps over
// the carrier and the sorter of what it carries.
struct DualServer::Impl {
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<GrpcServer> grpc;
  std::unique_ptr<ConnectionSorter> carried;  // null in plain, as the carrier
  std::unique_ptr<TlsCarrier> carrier;
  std::unique_ptr<ConnectionSorter> sorter;

  ConnectionSorterOptions Sorting(const DualServerOptions& options) const;
  Status OpenCarrier(const DualServerOptions& options);
  bool Serve(int fd, const FirstBytes& first) const;
  void Stop(std::chrono::milliseconds grace);
};

// What is carried ends with the servers, so the carrier goes last.
void DualServer::Impl::Stop(std::chrono::milliseconds grace) {
  const auto deadline = std::chrono::steady_clock::now() + grace;
  const auto left = [deadline] {
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::duration_cast<std::chrono::milliseconds>(
                        deadline - std::chrono::steady_clock::now()));
  };
  if (sorter != nullptr) sorter->Stop();
  if (carried != nullptr) carried->Stop();
  http->Stop(grace);
  grpc->Stop(left());
  if (carrier != nullptr) carrier->Stop(left());
}

ConnectionSorterOptions DualServer::Impl::Sorting(const DualServerOptions& options) const {
  ConnectionSorterOptions sorting;
  sorting.max_waiting = options.max_waiting;
  sorting.first_bytes_timeout = options.first_bytes_timeout;
  return sorting;
}

// False: it is no HTTP/2, in plain.
bool DualServer::Impl::Serve(int fd, const FirstBytes& first) const {
  if (first.is_http) {
    http->Adopt(fd, Http2Start{first.greeted, first.client});
  } else if (first.kind == FirstBytesKind::kHttp2) {
    grpc->Greet(fd, first);
  } else {
    return false;
  }
  return true;
}

Status DualServer::Impl::OpenCarrier(const DualServerOptions& options) {
  if (!MakeLoopbackPair())
    return Error(ErrorCode::kIo, "cannot connect to this machine's own loopback (127.0.0.1)");
  ConnectionSorterOptions sorting = Sorting(options);
  sorting.listen = false;
  sorting.look_at_requests = true;
  TS_TRY_ASSIGN(
      carried, ConnectionSorter::Start(std::move(sorting), [this](int fd, const FirstBytes& first) {
        if (!Serve(fd, first)) close(fd);  // h2 was agreed on
      }));
  TlsCarrierOptions carrying;
  carrying.max_handshakes = options.max_waiting;
  carrying.handshake_timeout = options.first_bytes_timeout;
  carrying.write_timeout = std::max(options.grpc.peer_timeout, options.http.write_timeout);
  TS_TRY_ASSIGN(carrier,
                TlsCarrier::Start(carrying, http->tls(), [this](int fd, std::string client) {
                  carried->Adopt(fd, std::move(client));
                }));
  return {};
}

Result<std::unique_ptr<DualServer>> DualServer::Start(DualServerOptions options,
                                                      HttpHandler handler,
                                                      RawGrpcServices methods) {
  auto impl = std::make_unique<Impl>();
  const bool tls = options.tls.enabled;
  options.http.listen = false;
  options.grpc.listen = false;
  options.http.tls = std::move(options.tls);
  options.grpc.tls = {};  // ended before
  TS_TRY_ASSIGN(impl->http, HttpServer::Start(options.http, std::move(handler)));
  TS_TRY_ASSIGN(impl->grpc, GrpcServer::Start(options.grpc, std::move(methods)));
  if (tls) TS_TRY(impl->OpenCarrier(options));
  ConnectionSorterOptions sorting = impl->Sorting(options);
  sorting.host = std::move(options.host);
  sorting.port = options.port;
  sorting.look_at_requests = !tls;
  const auto deliver = [servers = impl.get(), tls](int fd, const FirstBytes& first) {
    if (tls && first.hello.only_http2()) {
      servers->carrier->Carry(fd);
    } else if (tls || !servers->Serve(fd, first)) {
      servers->http->Adopt(fd);
    }
  };
  TS_TRY_ASSIGN(impl->sorter, ConnectionSorter::Start(std::move(sorting), deliver));
  return std::unique_ptr<DualServer>(new DualServer(std::move(impl)));
}

DualServer::DualServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DualServer::~DualServer() { impl_->Stop(std::chrono::milliseconds(0)); }
std::uint16_t DualServer::port() const noexcept { return impl_->sorter->port(); }
void DualServer::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }
std::size_t DualServer::connections() const {
  return impl_->http->connections() + impl_->grpc->connections();
}

}  // namespace tracestore::net
