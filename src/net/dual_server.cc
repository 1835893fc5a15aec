#include "net/dual_server.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "net/connection_sorter.h"

namespace tracestore::net {

// The sorter goes first: it hands connections to the two others.
struct DualServer::Impl {
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<GrpcServer> grpc;
  std::unique_ptr<ConnectionSorter> sorter;

  void Stop(std::chrono::milliseconds grace) {
    const auto deadline = std::chrono::steady_clock::now() + grace;
    sorter->Stop();
    http->Stop(grace);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    grpc->Stop(std::max(left, std::chrono::milliseconds(0)));
  }
};

Result<std::unique_ptr<DualServer>> DualServer::Start(DualServerOptions options,
                                                      HttpHandler handler,
                                                      RawGrpcServices methods) {
  auto impl = std::make_unique<Impl>();
  options.http.listen = false;
  options.grpc.listen = false;
  options.http.tls = options.tls;
  options.grpc.tls = options.tls;
  options.grpc.tls.on_reload = {};  // told by the other
  TS_TRY_ASSIGN(impl->http, HttpServer::Start(std::move(options.http), std::move(handler)));
  TS_TRY_ASSIGN(impl->grpc, GrpcServer::Start(std::move(options.grpc), std::move(methods)));
  ConnectionSorterOptions sorting;
  sorting.host = std::move(options.host);
  sorting.port = options.port;
  sorting.max_waiting = options.max_waiting;
  sorting.first_bytes_timeout = options.first_bytes_timeout;
  const bool tls = options.tls.enabled;
  sorting.look_at_requests = !tls;
  const auto deliver = [servers = impl.get(), tls](int fd, const FirstBytes& first) {
    const bool grpc = tls ? first.hello.only_http2() : first.kind == FirstBytesKind::kHttp2;
    if (first.is_http) {
      servers->http->Adopt(fd, Http2Start{first.greeted});
    } else if (grpc) {
      servers->grpc->Greet(fd, first);
    } else {
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
