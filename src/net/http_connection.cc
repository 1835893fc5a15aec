// The life of a connection of HTTP/1.1: requests read, answered and refused.
#include "net/http_server_impl.h"  // before all of Boost

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <chrono>

#include "net/tls_accept.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

// Of a body a read timeout; Beast reads no more at once.
constexpr std::size_t kBodyStep = 64 * 1024;
// Beast reads only 512 bytes at a time into a buffer without capacity (7 times the CPU for a body
// of 100 KB); this holds one read of kBodyStep and what was left of the header.
constexpr std::size_t kBodyBuffer = 80 * 1024;
// Most of what clients send at once is shorter.
constexpr std::size_t kReservedBody = 512 * 1024;
// So much is read of a connection before others have their turn.
constexpr std::size_t kReadAtOnce = 256 * 1024;
constexpr std::size_t kIdleBuffer = 4096;
constexpr std::size_t kWriteStep = 256 * 1024;  // of an answer a write timeout
// After a refusal the rest of the request is read and dropped, this much and this long, so that a
// reset doesn't take the answer from a client that is still sending (RFC 9112, 9.6).
constexpr std::size_t kLingerBytes = std::size_t{64} << 20;
constexpr std::chrono::seconds kLingerTime{2};
// In Go's words, which Jaeger's users know.
constexpr std::string_view kPlainOnTls =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

std::string ToString(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

auto HttpServer::Impl::Connection::RefusalOf(error_code ec) const -> Refusal {
  const HttpServerOptions& options = server_.options;
  if (ec == http::error::body_limit) {
    return {413, "the body is larger than the limit of " + std::to_string(options.max_body_bytes) +
                     " bytes"};
  }
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    return {431, "the header is larger than the limit of " +
                     std::to_string(options.max_header_bytes) + " bytes"};
  }
  if (ec == beast::error::timeout) return {0, {}, true};
  if (ec == http::error::end_of_stream || ec == http::error::partial_message) return {};
  if (ec.category() == http::make_error_code(http::error::bad_method).category()) {
    return {400, "malformed HTTP request: " + ec.message()};
  }
  return {};
}

Task<void> HttpServer::Impl::Connection::Serve(std::unique_ptr<Connection> connection) {
  try {
    bool more = true;
    if (connection->server_.tls != nullptr) more = co_await connection->Handshake();
    while (more) more = co_await connection->ServeOne();
  } catch (const std::exception&) {
    // bad_alloc or a failed system call: this connection ends, the server goes on.
  }
}

// Until it is done the connection counts as idle: it may be closed for a new one.
Task<bool> HttpServer::Impl::Connection::Handshake() {
  if (server_.stopping) co_return false;
  Set(Does::kIdle);
  const error_code ec = co_await AcceptTls(stream_, *server_.tls, server_.options.read_timeout);
  Set(Does::kBusy);
  if (ec.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_HTTP_REQUEST) {
    error_code ignored;
    co_await asio::async_write(stream_.tcp(), asio::buffer(kPlainOnTls), Into(ignored));
  }
  co_return !ec;
}

// Tells the client that no more will come.
Task<void> HttpServer::Impl::Connection::SayEnd() {
  error_code ec;
  if (stream_.is_tls()) {
    stream_.tcp().expires_after(kLingerTime);
    co_await stream_.tls().async_shutdown(Into(ec));
  }
  stream_.tcp().socket().shutdown(tcp::socket::shutdown_send, ec);
}

// True if the connection may carry another request.
Task<bool> HttpServer::Impl::Connection::ServeOne() {
  const bool arrived = co_await AwaitFirstByte();
  if (!arrived) co_return false;
  Parser parser;
  HttpRequest request;
  MessageRoom::Share share(server_.bodies, [this] {
    server_.Tell("too-slow");
    PutOff();
  });
  Set(Does::kComing);
  const Refusal refusal = co_await ReadRequest(parser, request, share);
  if (share.taken_away()) co_return false;
  share.Whole();
  Set(Does::kBusy);
  server_.Tell(refusal.too_slow ? "too-slow" : RefusalCause(refusal.status));
  if (refusal.status != 0) {
    std::string().swap(request.body);
    share.Release();
    co_await Refuse(refusal);
    co_return false;
  }
  if (!refusal.whole) co_return false;
  if (buffer_.size() == 0) buffer_.shrink_to_fit();
  const bool keep = co_await Respond(parser, request);
  co_return keep;
}

Task<bool> HttpServer::Impl::Connection::AwaitFirstByte() {
  if (server_.stopping) co_return false;
  if (buffer_.size() > 0) co_return true;  // pipelined
  error_code ec;
  stream_.tcp().expires_after(server_.options.idle_timeout);
  Set(Does::kIdle);
  const std::size_t size =
      co_await stream_.async_read_some(buffer_.prepare(kIdleBuffer), Into(ec));
  Set(Does::kBusy);
  buffer_.commit(size);
  co_return !ec;
}

// A Refusal of status 0 that isn't whole means that the client is gone.
auto HttpServer::Impl::Connection::ReadRequest(Parser& parser, HttpRequest& request,
                                               MessageRoom::Share& share) -> Task<Refusal> {
  const HttpServerOptions& options = server_.options;
  parser.header_limit(options.max_header_bytes);
  parser.body_limit(options.max_body_bytes);
  error_code ec;
  stream_.tcp().expires_after(options.read_timeout);
  co_await http::async_read_header(stream_, buffer_, parser, Into(ec));
  if (ec) co_return RefusalOf(ec);

  const auto& message = parser.get();
  request.method = ToString(message.method_string());
  for (const auto& field : message) {
    request.headers.emplace_back(ToString(field.name_string()), ToString(field.value()));
  }
  request.peer = peer_;
  request.stop = server_.stop_source.get_token();
  const auto target = request.SetTarget({message.target().data(), message.target().size()});
  if (!target.has_value()) co_return Refusal{400, target.error().message()};
  if (request.has_header("Transfer-Encoding") &&
      !EqualsIgnoreCase(request.header("Transfer-Encoding"), "chunked")) {
    co_return Refusal{501, "unknown Transfer-Encoding \"" +
                               std::string(request.header("Transfer-Encoding")) + "\""};
  }
  if (parser.is_done()) co_return Whole();
  const auto expected = request.header("Expect");
  if (!expected.empty() && !EqualsIgnoreCase(expected, "100-continue")) {
    co_return Refusal{417, "unknown expectation \"" + std::string(expected) + "\""};
  }
  if (!expected.empty() && buffer_.size() == 0 && message.version() >= 11) {
    const bool sent = co_await Write("HTTP/1.1 100 Continue\r\n\r\n", {});
    if (!sent) co_return Refusal{};
  }
  if (const auto length = parser.content_length()) {
    const Refusal sized =
        co_await ReadSized(static_cast<std::size_t>(*length), request.body, share);
    co_return sized;
  }
  const Refusal chunked = co_await ReadChunked(parser, request.body, share);
  co_return chunked;
}

// A body grows as it arrives, so that a declared length costs its sender no less than it says.
// False is a refusal.
bool HttpServer::Impl::Connection::GrowBody(std::size_t used, std::size_t limit, std::string& body,
                                            MessageRoom::Share& share) {
  if (used < body.size() || used >= limit) return true;
  const std::size_t next = std::min(limit, std::max(kBodyStep, used * 2));
  if (!share.GrowTo(next, std::chrono::steady_clock::now())) return false;
  body.resize(next);
  return true;
}

// A body whose length was told goes from the socket to where it stays: through Beast's parser and
// its buffer each read cost twice the CPU. What is there already is taken without a wait, which
// would go through the timer and the poll.
auto HttpServer::Impl::Connection::ReadSized(std::size_t length, std::string& body,
                                             MessageRoom::Share& share) -> Task<Refusal> {
  body.reserve(std::min(length, kReservedBody));
  std::size_t used = 0;
  std::size_t renew_at = 0;
  std::size_t pause_at = kReadAtOnce;
  while (used < length) {
    if (!GrowBody(used, length, body, share)) co_return TooManyBodies();
    const asio::mutable_buffer into(body.data() + used, body.size() - used);
    if (buffer_.size() != 0) {
      const std::size_t here = asio::buffer_copy(into, buffer_.data());
      buffer_.consume(here);
      used += here;
      share.Came(used, std::chrono::steady_clock::now());
      continue;
    }
    error_code ec;
    std::size_t came = used < pause_at ? stream_.ReadArrived(into, ec) : 0;
    if (came == 0 && !ec) {
      if (used >= renew_at) {
        stream_.tcp().expires_after(server_.options.read_timeout);
        renew_at = used + kBodyStep;
      }
      came = co_await stream_.async_read_some(into, Into(ec));
      pause_at = used + kReadAtOnce;
    }
    used += came;
    share.Came(used, std::chrono::steady_clock::now());
    if (ec) co_return RefusalOf(ec);
  }
  co_return Whole();
}

auto HttpServer::Impl::Connection::ReadChunked(Parser& parser, std::string& body,
                                               MessageRoom::Share& share) -> Task<Refusal> {
  const HttpServerOptions& options = server_.options;
  const std::size_t limit = options.max_body_bytes;
  buffer_.reserve(kBodyBuffer);
  // Room that nobody has touched yet is no memory: so a body of common size isn't copied as it
  // grows.
  body.reserve(std::min(limit, kReservedBody));
  parser.eager(true);
  std::size_t used = 0;
  std::size_t renew_at = 0;
  while (!parser.is_done()) {
    if (!GrowBody(used, limit, body, share)) co_return TooManyBodies();
    if (used >= renew_at) {
      stream_.tcp().expires_after(options.read_timeout);
      renew_at = used + kBodyStep;
    }
    auto& piece = parser.get().body();
    piece.data = body.data() + used;
    piece.size = body.size() - used;
    piece.more = true;
    error_code ec;
    co_await http::async_read_some(stream_, buffer_, parser, Into(ec));
    used = body.size() - piece.size;
    share.Came(used, std::chrono::steady_clock::now());
    if (ec == http::error::need_buffer) {
      if (used >= limit) co_return RefusalOf(http::error::body_limit);
      ec = {};
    }
    if (ec == http::error::buffer_overflow) {
      co_return Refusal{400, "malformed HTTP request: a chunk header is too long"};
    }
    if (ec) co_return RefusalOf(ec);
  }
  body.resize(used);
  co_return Whole();
}

Task<bool> HttpServer::Impl::Connection::Respond(const Parser& parser, HttpRequest& request) {
  ExchangeContext context;
  context.keep_alive = parser.keep_alive() && !server_.stopping;
  context.http_1_1 = parser.get().version() >= 11;
  WireResponse response;
  const std::function<void()> work = [&] {
    if (server_.stop_source.stop_requested()) return;
    response = Answer(server_.handler, server_.options.gate, server_.options.error_response,
                      server_.options.max_body_bytes, context, request);
    std::string().swap(request.body);
  };
  const bool ran = co_await Offload(work);
  server_.Tell(response.refusal);
  if (!ran || response.head.empty()) co_return false;
  bool sent = co_await Write(response.head, response.body);
  if (sent && response.more) sent = co_await SendStream(response);
  if (!sent) co_return false;
  if (response.keep_alive && !server_.stopping) co_return true;
  Set(Does::kIdle);  // may be closed for a new connection
  co_await SayEnd();
  co_return false;
}

Task<bool> HttpServer::Impl::Connection::SendStream(WireResponse& response) {
  const std::function<void()> pull = [&] {
    if (server_.stop_source.stop_requested()) {
      response.broken = true;
    } else {
      PullNext(response);
    }
  };
  while (response.more) {
    const bool ran = co_await Offload(pull);
    if (!ran || response.broken) {
      // A reset tells also a client of HTTP/1.0, for whom an orderly close would be the body's end.
      error_code ec;
      if (!response.chunked) stream_.tcp().socket().set_option(tcp::socket::linger(true, 0), ec);
      stream_.tcp().close();
      co_return false;
    }
    const bool sent = co_await Write(response.body, {});
    if (!sent) co_return false;
  }
  co_return true;
}

Task<bool> HttpServer::Impl::Connection::Write(std::string_view head, std::string_view body) {
  while (!head.empty() || !body.empty()) {
    const auto first = head.substr(0, kWriteStep);
    const auto second =
        first.size() == head.size() ? body.substr(0, kWriteStep) : std::string_view();
    const std::array<asio::const_buffer, 2> buffers = {
        asio::const_buffer(first.data(), first.size()),
        asio::const_buffer(second.data(), second.size())};
    error_code ec;
    stream_.tcp().expires_after(server_.options.write_timeout);
    co_await asio::async_write(stream_, buffers, Into(ec));
    if (ec) co_return false;
    head.remove_prefix(first.size());
    body.remove_prefix(second.size());
  }
  co_return true;
}

Task<void> HttpServer::Impl::Connection::Refuse(const Refusal& refusal) {
  ExchangeContext context;
  context.keep_alive = false;
  const WireResponse response = server_.RefusalResponse(refusal, context);
  const bool sent = co_await Write(response.head, response.body);
  if (!sent) co_return;
  Set(Does::kIdle);  // may be closed for a new connection
  co_await SayEnd();
  error_code ec;
  buffer_.clear();
  stream_.tcp().expires_after(kLingerTime);
  for (std::size_t dropped = 0; !ec && dropped < kLingerBytes && !server_.stopping;) {
    dropped += co_await stream_.tcp().async_read_some(buffer_.prepare(kBodyStep), Into(ec));
  }
  Set(Does::kBusy);
}

}  // namespace tracestore::net
