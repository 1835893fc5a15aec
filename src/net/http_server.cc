// The only translation unit with Beast in it. One thread runs an io_context with a coroutine a
// connection; whatever may block (handlers, compression, streams) runs on the worker pool. State
// without a lock belongs to the I/O thread.
#define BOOST_ASIO_NO_DEPRECATED
#include "net/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/try.h"
#include "net/host_port.h"
#include "net/http_exchange.h"
#include "net/listen.h"
#include "net/secure_stream.h"
#include "net/tls_context.h"
#include "net/worker_pool.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::buffer_body>;

template <typename T>
using Task = asio::awaitable<T>;

// Of a body a read timeout; Beast reads no more at once.
constexpr std::size_t kBodyStep = 64 * 1024;
// Beast reads only 512 bytes at a time into a buffer without capacity (7 times the CPU for a body
// of 100 KB); this holds one read of kBodyStep and what was left of the header.
constexpr std::size_t kBodyBuffer = 80 * 1024;
constexpr std::size_t kMaxBuffer = 256 * 1024;  // what one chunk header with extensions may take
constexpr std::size_t kIdleBuffer = 4096;
constexpr std::size_t kWriteStep = 256 * 1024;  // of an answer a write timeout
// After a refusal the rest of the request is read and dropped, this much and this long, so that a
// reset doesn't take the answer from a client that is still sending (RFC 9112, 9.6).
constexpr std::size_t kLingerBytes = std::size_t{64} << 20;
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::chrono::milliseconds kAcceptPause{50};  // when out of descriptors
// In Go's words, which Jaeger's users know.
constexpr std::string_view kPlainOnTls =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

auto Into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

std::string PeerName(const tcp::socket& socket) {
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (ec) return {};
  auto address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return FormatHostPort(address.to_string(), peer.port());
}

std::string ToString(beast::string_view text) { return {text.data(), text.size()}; }

// A share of max_body_bytes_in_flight, given back at the end of the scope.
class BodyShare {
 public:
  BodyShare(std::size_t& used, std::size_t limit) : used_(used), limit_(limit) {}
  ~BodyShare() { used_ -= size_; }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  bool GrowTo(std::size_t size) {
    const std::size_t more = size - size_;
    if (more > limit_ - used_) return false;
    used_ += more;
    size_ = size;
    return true;
  }

 private:
  std::size_t& used_;
  std::size_t limit_;
  std::size_t size_ = 0;
};

// How the server itself answers a request that never reaches the handler.
struct Refusal {
  int status = 0;  // 0 = no answer, the connection is gone
  std::string message;
};

Refusal RefusalOf(error_code ec, const HttpServerOptions& options) {
  if (ec == http::error::body_limit) {
    return {413, "the body is larger than the limit of " + std::to_string(options.max_body_bytes) +
                     " bytes"};
  }
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    return {431, "the header is larger than the limit of " +
                     std::to_string(options.max_header_bytes) + " bytes"};
  }
  if (ec == http::error::end_of_stream || ec == http::error::partial_message) return {};
  if (ec.category() == http::make_error_code(http::error::bad_method).category()) {
    return {400, "malformed HTTP request: " + ec.message()};
  }
  return {};
}

}  // namespace

struct HttpServer::Impl {
  // One client. Made at accept, destroyed by the end of its coroutine, both on the I/O thread.
  struct Connection {
    Connection(Impl& owner, tcp::socket socket);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    void SetIdle(bool idle);

    Impl& server;
    SecureStream stream;
    std::string peer;
    beast::flat_buffer buffer{kMaxBuffer};
    std::list<Connection*>::iterator self;
    std::optional<std::list<Connection*>::iterator> idle_at;
  };

  Impl(HttpServerOptions o, HttpHandler h)
      : options(std::move(o)), handler(std::move(h)), pool(options.worker_threads) {}

  Status Listen();
  void Stop(std::chrono::milliseconds grace);

  Task<void> Accept();
  void Admit(tcp::socket socket);
  static Task<void> Serve(std::unique_ptr<Connection> connection);
  static Task<bool> Handshake(Connection& c);
  static Task<void> SayEnd(Connection& c);
  static Task<bool> ServeOne(Connection& c);
  static Task<bool> AwaitFirstByte(Connection& c);
  static Task<Refusal> ReadRequest(Connection& c, Parser& parser, HttpRequest& request,
                                   BodyShare& share);
  static Task<Refusal> ReadBody(Connection& c, Parser& parser, std::string& body, BodyShare& share);
  static Task<bool> Respond(Connection& c, const Parser& parser, HttpRequest& request);
  static Task<bool> SendStream(Connection& c, WireResponse& response);
  static Task<bool> Write(Connection& c, std::string_view head, std::string_view body);
  static Task<void> Refuse(Connection& c, const Refusal& refusal);
  static Task<bool> Offload(Connection& c, const std::function<void()>& work);

  const HttpServerOptions options;
  const HttpHandler handler;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;  // null: plain
  std::stop_source stop_source;

  std::list<Connection*> open;
  std::list<Connection*> idle;  // longest idle first
  std::size_t body_bytes = 0;
  bool stopping = false;

  mutable std::mutex mutex;
  std::condition_variable closed;
  std::size_t open_count = 0;  // guarded by mutex

  std::mutex stop_mutex;
  bool stopped = false;  // guarded by stop_mutex

  WorkerPool pool;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer accept_pause{io};
  // Keeps the thread while there is no acceptor that does.
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> awaiting;
  std::jthread thread;
};

HttpServer::Impl::Connection::Connection(Impl& owner, tcp::socket socket)
    : server(owner), stream(std::move(socket)), peer(PeerName(stream.tcp().socket())) {
  self = server.open.insert(server.open.end(), this);
  const std::lock_guard lock(server.mutex);
  ++server.open_count;
}

HttpServer::Impl::Connection::~Connection() {
  SetIdle(false);
  server.open.erase(self);
  stream.tcp().close();
  {
    const std::lock_guard lock(server.mutex);
    --server.open_count;
  }
  server.closed.notify_all();
}

void HttpServer::Impl::Connection::SetIdle(bool now_idle) {
  if (now_idle == idle_at.has_value()) return;
  if (now_idle) {
    idle_at = server.idle.insert(server.idle.end(), this);
  } else {
    server.idle.erase(*idle_at);
    idle_at.reset();
  }
}

Status HttpServer::Impl::Listen() {
  if (options.tls.enabled) {
    TS_TRY_ASSIGN(tls, TlsContext::ForServer(options.tls));
  }
  if (!options.listen) {
    awaiting.emplace(io.get_executor());
    thread = std::jthread([this] { io.run(); });
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
  thread = std::jthread([this] { io.run(); });
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

void HttpServer::Impl::Admit(tcp::socket socket) {
  try {
    error_code ec;
    socket.set_option(tcp::no_delay(true), ec);
    if (open.size() >= options.max_connections) {
      if (idle.empty()) {
        static constexpr std::string_view kFull =
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n";
        socket.non_blocking(true, ec);
        socket.write_some(asio::buffer(kFull), ec);
        return;
      }
      Connection* longest = idle.front();
      longest->SetIdle(false);  // its coroutine ends at the next turn of the loop
      longest->stream.tcp().close();
    }
    asio::co_spawn(io, Serve(std::make_unique<Connection>(*this, std::move(socket))),
                   asio::detached);
  } catch (const std::exception&) {
    // Out of memory for one more connection: it is closed by its destructor, the others go on.
  }
}

Task<void> HttpServer::Impl::Serve(std::unique_ptr<Connection> connection) {
  try {
    bool more = true;
    if (connection->server.tls != nullptr) more = co_await Handshake(*connection);
    while (more) more = co_await ServeOne(*connection);
  } catch (const std::exception&) {
    // bad_alloc or a failed system call: this connection ends, the server goes on.
  }
}

// Until it is done the connection counts as idle: it may be closed for a new one.
Task<bool> HttpServer::Impl::Handshake(Connection& c) {
  if (c.server.stopping) co_return false;
  error_code ec;
  c.stream.StartTls(c.server.tls->Current().get());
  c.stream.tcp().expires_after(c.server.options.read_timeout);
  c.SetIdle(true);
  co_await c.stream.tls().async_handshake(asio::ssl::stream_base::server, Into(ec));
  c.SetIdle(false);
  if (ec.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_HTTP_REQUEST) {
    error_code ignored;
    co_await asio::async_write(c.stream.tcp(), asio::buffer(kPlainOnTls), Into(ignored));
  }
  co_return !ec;
}

// Tells the client that no more will come.
Task<void> HttpServer::Impl::SayEnd(Connection& c) {
  error_code ec;
  if (c.stream.is_tls()) {
    c.stream.tcp().expires_after(kLingerTime);
    co_await c.stream.tls().async_shutdown(Into(ec));
  }
  c.stream.tcp().socket().shutdown(tcp::socket::shutdown_send, ec);
}

// True if the connection may carry another request.
Task<bool> HttpServer::Impl::ServeOne(Connection& c) {
  const bool arrived = co_await AwaitFirstByte(c);
  if (!arrived) co_return false;
  Parser parser;
  HttpRequest request;
  BodyShare share(c.server.body_bytes, c.server.options.max_body_bytes_in_flight);
  const Refusal refusal = co_await ReadRequest(c, parser, request, share);
  if (refusal.status != 0) {
    co_await Refuse(c, refusal);
    co_return false;
  }
  if (!parser.is_done()) co_return false;
  if (c.buffer.size() == 0) c.buffer.shrink_to_fit();
  const bool keep = co_await Respond(c, parser, request);
  co_return keep;
}

Task<bool> HttpServer::Impl::AwaitFirstByte(Connection& c) {
  if (c.server.stopping) co_return false;
  if (c.buffer.size() > 0) co_return true;  // pipelined
  error_code ec;
  c.stream.tcp().expires_after(c.server.options.idle_timeout);
  c.SetIdle(true);
  const std::size_t size =
      co_await c.stream.async_read_some(c.buffer.prepare(kIdleBuffer), Into(ec));
  c.SetIdle(false);
  c.buffer.commit(size);
  co_return !ec;
}

// On success parser.is_done(); a Refusal of status 0 without that means the client is gone.
Task<Refusal> HttpServer::Impl::ReadRequest(Connection& c, Parser& parser, HttpRequest& request,
                                            BodyShare& share) {
  const HttpServerOptions& options = c.server.options;
  parser.header_limit(options.max_header_bytes);
  parser.body_limit(options.max_body_bytes);
  error_code ec;
  c.stream.tcp().expires_after(options.read_timeout);
  co_await http::async_read_header(c.stream, c.buffer, parser, Into(ec));
  if (ec) co_return RefusalOf(ec, options);

  const auto& message = parser.get();
  request.method = ToString(message.method_string());
  for (const auto& field : message) {
    request.headers.emplace_back(ToString(field.name_string()), ToString(field.value()));
  }
  request.peer = c.peer;
  request.stop = c.server.stop_source.get_token();
  const auto target = request.SetTarget({message.target().data(), message.target().size()});
  if (!target.has_value()) co_return Refusal{400, target.error().message()};
  if (request.has_header("Transfer-Encoding") &&
      !EqualsIgnoreCase(request.header("Transfer-Encoding"), "chunked")) {
    co_return Refusal{501, "unknown Transfer-Encoding \"" +
                               std::string(request.header("Transfer-Encoding")) + "\""};
  }
  if (parser.is_done()) co_return Refusal{};
  const auto expected = request.header("Expect");
  if (!expected.empty() && !EqualsIgnoreCase(expected, "100-continue")) {
    co_return Refusal{417, "unknown expectation \"" + std::string(expected) + "\""};
  }
  if (!expected.empty() && c.buffer.size() == 0 && message.version() >= 11) {
    const bool sent = co_await Write(c, "HTTP/1.1 100 Continue\r\n\r\n", {});
    if (!sent) co_return Refusal{};
  }
  const Refusal refusal = co_await ReadBody(c, parser, request.body, share);
  co_return refusal;
}

// The body grows as it arrives, so that a declared length costs its sender no less than it says.
Task<Refusal> HttpServer::Impl::ReadBody(Connection& c, Parser& parser, std::string& body,
                                         BodyShare& share) {
  const HttpServerOptions& options = c.server.options;
  std::size_t limit = options.max_body_bytes;
  if (const auto length = parser.content_length()) {
    limit = std::min(limit, static_cast<std::size_t>(*length));
  }
  c.buffer.reserve(kBodyBuffer);
  parser.eager(true);
  std::size_t used = 0;
  std::size_t renew_at = 0;
  while (!parser.is_done()) {
    if (used == body.size() && used < limit) {
      const std::size_t next = std::min(limit, std::max(kBodyStep, used * 2));
      if (!share.GrowTo(next)) co_return Refusal{429, "too many request bodies in flight"};
      body.resize(next);
    }
    if (used >= renew_at) {
      c.stream.tcp().expires_after(options.read_timeout);
      renew_at = used + kBodyStep;
    }
    auto& piece = parser.get().body();
    piece.data = body.data() + used;
    piece.size = body.size() - used;
    piece.more = true;
    error_code ec;
    co_await http::async_read_some(c.stream, c.buffer, parser, Into(ec));
    used = body.size() - piece.size;
    if (ec == http::error::need_buffer) {
      if (used >= limit) co_return RefusalOf(http::error::body_limit, options);
      ec = {};
    }
    if (ec == http::error::buffer_overflow) {
      co_return Refusal{400, "malformed HTTP request: a chunk header is too long"};
    }
    if (ec) co_return RefusalOf(ec, options);
  }
  body.resize(used);
  co_return Refusal{};
}

Task<bool> HttpServer::Impl::Respond(Connection& c, const Parser& parser, HttpRequest& request) {
  Impl& server = c.server;
  ExchangeContext context;
  context.keep_alive = parser.keep_alive() && !server.stopping;
  context.http_1_1 = parser.get().version() >= 11;
  WireResponse response;
  const std::function<void()> work = [&] {
    if (server.stop_source.stop_requested()) return;
    response = Answer(server.handler, server.options.gate, server.options.error_response,
                      server.options.max_body_bytes, context, request);
    std::string().swap(request.body);
  };
  const bool ran = co_await Offload(c, work);
  if (!ran || response.head.empty()) co_return false;
  bool sent = co_await Write(c, response.head, response.body);
  if (sent && response.more) sent = co_await SendStream(c, response);
  if (!sent) co_return false;
  if (response.keep_alive && !server.stopping) co_return true;
  co_await SayEnd(c);
  co_return false;
}

Task<bool> HttpServer::Impl::SendStream(Connection& c, WireResponse& response) {
  const std::function<void()> pull = [&] {
    if (c.server.stop_source.stop_requested()) {
      response.broken = true;
    } else {
      PullNext(response);
    }
  };
  while (response.more) {
    const bool ran = co_await Offload(c, pull);
    if (!ran || response.broken) {
      // A reset tells also a client of HTTP/1.0, for whom an orderly close would be the body's end.
      error_code ec;
      if (!response.chunked) c.stream.tcp().socket().set_option(tcp::socket::linger(true, 0), ec);
      c.stream.tcp().close();
      co_return false;
    }
    const bool sent = co_await Write(c, response.body, {});
    if (!sent) co_return false;
  }
  co_return true;
}

Task<bool> HttpServer::Impl::Write(Connection& c, std::string_view head, std::string_view body) {
  while (!head.empty() || !body.empty()) {
    const auto first = head.substr(0, kWriteStep);
    const auto second =
        first.size() == head.size() ? body.substr(0, kWriteStep) : std::string_view();
    const std::array<asio::const_buffer, 2> buffers = {
        asio::const_buffer(first.data(), first.size()),
        asio::const_buffer(second.data(), second.size())};
    error_code ec;
    c.stream.tcp().expires_after(c.server.options.write_timeout);
    co_await asio::async_write(c.stream, buffers, Into(ec));
    if (ec) co_return false;
    head.remove_prefix(first.size());
    body.remove_prefix(second.size());
  }
  co_return true;
}

Task<void> HttpServer::Impl::Refuse(Connection& c, const Refusal& refusal) {
  const ErrorResponder& errors = c.server.options.error_response;
  ExchangeContext context;
  context.keep_alive = false;
  HttpResponse answer = MakeError(errors, refusal.status, refusal.message);
  if (refusal.status == 429) answer.headers.emplace_back("Retry-After", "1");
  const WireResponse response = Frame(std::move(answer), errors, context);
  const bool sent = co_await Write(c, response.head, response.body);
  if (!sent) co_return;
  c.SetIdle(true);  // may be closed for a new connection
  co_await SayEnd(c);
  error_code ec;
  c.buffer.clear();
  c.stream.tcp().expires_after(kLingerTime);
  for (std::size_t dropped = 0; !ec && dropped < kLingerBytes && !c.server.stopping;) {
    dropped += co_await c.stream.tcp().async_read_some(c.buffer.prepare(kBodyStep), Into(ec));
  }
  c.SetIdle(false);
}

// Runs `work` on the pool and waits for its end without blocking the I/O thread. False if the pool
// takes no more work, or `work` threw. `work` may refer to the caller's frame, which outlives it.
Task<bool> HttpServer::Impl::Offload(Connection& c, const std::function<void()>& work) {
  asio::steady_timer done(c.server.io, asio::steady_timer::time_point::max());
  asio::io_context& io = c.server.io;
  bool finished = false;
  const bool accepted = c.server.pool.Submit([&work, &done, &io, &finished] {
    try {
      work();
      finished = true;
    } catch (const std::exception&) {
      // Out of memory even for an error answer: the connection ends.
    }
    // The cancel runs on the I/O thread, so not before the wait below has begun.
    asio::post(io, [&done] { done.cancel(); });
  });
  if (!accepted) co_return false;
  error_code ec;
  co_await done.async_wait(Into(ec));
  co_return finished;
}

void HttpServer::Impl::Stop(std::chrono::milliseconds grace) {
  const std::lock_guard once(stop_mutex);
  if (stopped) return;
  stopped = true;
  const auto close_all = [](const std::list<Connection*>& list) {
    for (Connection* connection : list) connection->stream.tcp().close();
  };
  asio::post(io, [this, close_all] {
    error_code ec;
    stopping = true;
    awaiting.reset();
    acceptor.close(ec);
    accept_pause.cancel();
    close_all(idle);
  });
  {
    std::unique_lock lock(mutex);
    closed.wait_for(lock, grace, [this] { return open_count == 0; });
  }
  stop_source.request_stop();
  asio::post(io, [this, close_all] { close_all(open); });
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
void HttpServer::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }

void HttpServer::Adopt(int fd) {
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
  asio::post(impl->io, [impl, socket] {
    if (!impl->stopping) impl->Admit(std::move(*socket));
  });
}

std::size_t HttpServer::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->open_count;
}

}  // namespace tracestore::net
