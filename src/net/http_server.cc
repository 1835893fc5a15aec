#include "net/http_server_impl.h"  // before all of Boost

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

#include "base/thread.h"
#include "base/try.h"
#include "net/host_port.h"
#include "net/http2_connection.h"
#include "net/listen.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{50};  // when out of descriptors

}  // namespace

Status HttpServer::Impl::Listen() {
  if (options.tls.enabled) {
    TS_TRY_ASSIGN(tls, TlsContext::ForServer(options.tls));
  }
  if (!options.listen) {
    awaiting.emplace(io.get_executor());
    thread = base::StartThread([this] { io.run(); });
    return {};
  }
  auto socket = ListenSocket::Open(options.host, options.port);
  if (!socket.has_value()) return std::move(socket).error();
  port = socket->port();
  error_code ec;
  const int fd = socket->Release();
  acceptor.assign(socket->is_ipv6() ? tcp::v6() : tcp::v4(), fd, ec);
  if (ec) {
    return Error{ErrorCode::kIo, "cannot listen on " + FormatHostPort(options.host, options.port) +
                                     ": " + ec.message()};
  }
  asio::co_spawn(io, Accept(), asio::detached);
  thread = base::StartThread([this] { io.run(); });
  return {};
}

Task<void> HttpServer::Impl::Accept() {
  while (!stopping) {
    error_code ec;
    tcp::socket socket(io);
    co_await acceptor.async_accept(socket, Into(ec));
    if (stopping) break;
    if (!ec) {
      Admit(std::move(socket));
      continue;
    }
    accept_pause.expires_after(kAcceptPause);
    co_await accept_pause.async_wait(Into(ec));
  }
}

void HttpServer::Impl::Admit(tcp::socket socket, std::optional<Http2Start> http2) {
  try {
    error_code ec;
    socket.set_option(tcp::no_delay(true), ec);
    if (open.size() >= options.max_connections) {
      OpenConnection* const longest = waiting.ToClose(std::chrono::steady_clock::now());
      if (longest == nullptr || longest->is_coming()) Tell("too-many-connections");
      if (longest == nullptr) {
        if (http2 || tls != nullptr) return;  // no place for words
        static constexpr std::string_view kFull =
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n";
        socket.non_blocking(true, ec);
        socket.write_some(asio::buffer(kFull), ec);
        return;
      }
      longest->PutOff();
    }
    if (http2) return Http2Connection::Begin(*this, std::move(socket), std::move(*http2));
    asio::co_spawn(io, Connection::Serve(std::make_unique<Connection>(*this, std::move(socket))),
                   asio::detached);
  } catch (const std::exception&) {
    // Out of memory for one more connection: it is closed by its destructor, the others go on.
  }
}

WireResponse HttpServer::Impl::RefusalResponse(const Refusal& refusal,
                                               ExchangeContext context) const {
  HttpResponse answer = MakeError(options.error_response, refusal.status, refusal.message);
  if (refusal.status == 429) answer.headers.emplace_back("Retry-After", "1");
  return Frame(std::move(answer), options.error_response, context);
}

void HttpServer::Impl::Stop(std::chrono::milliseconds grace) {
  const std::lock_guard once(stop_mutex);
  if (stopped) return;
  stopped = true;
  asio::post(io, [this] {
    error_code ec;
    stopping = true;
    awaiting.reset();
    acceptor.close(ec);
    accept_pause.cancel();
    for (OpenConnection* connection : open) connection->Finish();
  });
  {
    std::unique_lock lock(mutex);
    closed.wait_for(lock, grace, [this] { return open_count == 0; });
  }
  stop_source.request_stop();
  asio::post(io, [this] {
    for (OpenConnection* connection : open) connection->Close();
  });
  pool.Stop();  // what is queued ends at once; what runs is waited for
  thread.join();  // run() returns when the last coroutine has ended
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                      HttpHandler handler) {
  try {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
    auto listening = impl->Listen();
    if (!listening.has_value()) return std::move(listening).error();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
  } catch (const std::exception& error) {
    return Error{ErrorCode::kIo, std::string("cannot start the HTTP server: ") + error.what()};
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->Stop(std::chrono::milliseconds(0)); }
std::uint16_t HttpServer::port() const noexcept { return impl_->port; }
std::shared_ptr<TlsContext> HttpServer::tls() const noexcept { return impl_->tls; }
void HttpServer::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }

void HttpServer::Adopt(int fd, std::optional<Http2Start> http2) {
  Impl* const impl = impl_.get();
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const auto socket = std::make_shared<tcp::socket>(impl->io);
  error_code ec;
  socket->assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, ec);
  if (ec) {
    ::close(fd);
    return;
  }
  asio::post(impl->io, [impl, socket, http2 = std::move(http2)] {
    if (!impl->stopping) impl->Admit(std::move(*socket), http2);
  });
}

std::size_t HttpServer::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->open_count;
}

}  // namespace tracestore::net
