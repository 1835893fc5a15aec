// One io_context a connection, run by the thread that calls Send: no threads of our own, and every
// step has a time-out all the same.
#define BOOST_ASIO_NO_DEPRECATED
#include "net/http_client.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/try.h"
#include "net/compression.h"
#include "net/host_port.h"
#include "net/secure_stream.h"
#include "net/tls_context.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Parser = http::response_parser<http::string_body>;

constexpr std::size_t kReadBuffer =
    64 * 1024;  // with less capacity Beast reads 512 bytes at a time
constexpr std::size_t kMaxBuffer = 256 * 1024;
constexpr int kMaxInterim = 8;  // 1xx answers before the real one

auto Into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

bool IsToken(std::string_view text) {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSymbols.find(c) != std::string_view::npos;
  });
}

// No byte that would end a line, or the text.
bool IsOneLine(std::string_view text) {
  constexpr std::string_view kEnds("\r\n\0", 3);
  return text.find_first_of(kEnds) == std::string_view::npos;
}

bool IsTarget(std::string_view text) {
  return text.starts_with('/') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != '\x7F'; });
}

Status CheckSendable(const HttpClientRequest& request) {
  bool good = IsToken(request.method) && IsTarget(request.target);
  for (const auto& [name, value] : request.headers) good &= IsToken(name) && IsOneLine(value);
  if (good) return {};
  return Error{ErrorCode::kInvalidArgument, "the method, target or a header can't be sent"};
}

std::string HeadOf(const HttpClientRequest& request, const HttpClientOptions& options) {
  std::string head = request.method + " " + request.target +
                     " HTTP/1.1\r\nHost: " + FormatHostPort(options.host, options.port) +
                     "\r\nUser-Agent: tracestore\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  if (options.max_idle_connections == 0) head += "Connection: close\r\n";
  return head + "\r\n";
}

// An open socket and what it needs to be used; by one thread at a time.
struct Connection {
  asio::io_context io{1};
  SecureStream stream{io};
  beast::flat_buffer buffer{kMaxBuffer};
  std::uint64_t use = 0;  // of the call that has it, so that a late stop doesn't meet the next one
  Clock::time_point idle_since;
};

// False if the server has closed it, or sent what nobody asked for.
bool IsStillQuiet(Connection& c) {
  error_code ec;
  c.stream.tcp().socket().non_blocking(true, ec);
  char byte = 0;
  c.stream.tcp().socket().receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
  return ec == asio::error::would_block || ec == asio::error::try_again;
}

// What the two halves of a call give back.
struct Outcome {
  error_code error = asio::error::operation_aborted;  // until the end of the work is reached
  std::string step;
  bool reusable = false;  // the whole request went out
};

asio::awaitable<void> Connect(Connection& c, const HttpClientOptions& options, Outcome& outcome) {
  error_code ec;
  outcome.step = "cannot look the host up";
  tcp::resolver resolver(c.io);
  const auto found = co_await resolver.async_resolve(options.host, std::to_string(options.port),
                                                     tcp::resolver::numeric_service, Into(ec));
  if (!ec) {
    outcome.step = "cannot connect";
    c.stream.tcp().expires_after(options.connect_timeout);
    co_await c.stream.tcp().async_connect(found, Into(ec));
  }
  if (!ec) c.stream.tcp().socket().set_option(tcp::no_delay(true), ec);
  outcome.error = ec;
}

// Whom the server's certificate must name, and, for a name, the SNI.
bool ExpectServer(SSL* ssl, const std::string& name) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1) return true;
  return SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

asio::awaitable<void> ShakeHands(Connection& c, const HttpClientOptions& options, SSL_CTX* context,
                                 Outcome& outcome) {
  c.stream.StartTls(context);
  SSL* const ssl = c.stream.tls().native_handle();
  const auto& name = options.tls.server_name.empty() ? options.host : options.tls.server_name;
  outcome.step = "the TLS handshake failed";
  outcome.error = asio::error::invalid_argument;
  if (!ExpectServer(ssl, name)) co_return;
  error_code ec;
  c.stream.tcp().expires_after(options.connect_timeout);
  co_await c.stream.tls().async_handshake(asio::ssl::stream_base::client, Into(ec));
  const long verdict = SSL_get_verify_result(ssl);
  if (ec && ec != beast::error::timeout && verdict != X509_V_OK) {
    outcome.step += std::string(", the server's certificate is refused (") +
                    X509_verify_cert_error_string(verdict) + ")";
  }
  outcome.error = ec;
}

asio::awaitable<void> Exchange(Connection& c, std::string_view head, std::string_view body,
                               std::chrono::milliseconds timeout, std::optional<Parser>& parser,
                               const std::function<void()>& make_parser, Outcome& outcome) {
  const std::array<asio::const_buffer, 2> buffers = {asio::const_buffer(head.data(), head.size()),
                                                     asio::const_buffer(body.data(), body.size())};
  error_code written;
  c.stream.tcp().expires_after(timeout);
  co_await asio::async_write(c.stream, buffers, Into(written));
  // A server that refuses a body answers before it has read it, and the answer says why.
  error_code ec;
  c.buffer.reserve(kReadBuffer);
  for (int i = 0; i < kMaxInterim; ++i) {
    make_parser();
    // The header apart: read with its body at once, Beast 1.74 forgets that the length is too
    // large.
    co_await http::async_read_header(c.stream, c.buffer, *parser, Into(ec));
    if (!ec) co_await http::async_read(c.stream, c.buffer, *parser, Into(ec));
    if (ec || parser->get().result_int() / 100 != 1) break;
  }
  const bool unanswered = ec && !parser->is_header_done();
  outcome.step = written && unanswered ? "cannot send" : "cannot read the answer";
  outcome.error = written && unanswered ? written : ec;
  outcome.reusable = !written;
}

Error ToError(const Outcome& outcome, const HttpClientOptions& options) {
  const error_code& ec = outcome.error;
  if (ec == beast::error::timeout) {
    return {ErrorCode::kCancelled, outcome.step + " in time"};
  }
  if (ec == http::error::body_limit) {
    return {ErrorCode::kBusy, "the answer's body is larger than the limit of " +
                                  std::to_string(options.max_body_bytes) + " bytes"};
  }
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    return {ErrorCode::kBusy, "the answer's header is larger than the limit of " +
                                  std::to_string(options.max_header_bytes) + " bytes"};
  }
  if (ec == http::error::end_of_stream || ec == http::error::partial_message) {
    return {ErrorCode::kIo, "the server closed the connection before the whole answer came"};
  }
  const bool no_http = ec.category() == http::make_error_code(http::error::bad_method).category();
  return {no_http ? ErrorCode::kCorruption : ErrorCode::kIo, outcome.step + ": " + ec.message()};
}

Status Unpack(HttpClientResponse& response, std::size_t max_bytes) {
  const auto coding = ParseCoding(response.header("Content-Encoding"));
  if (!coding) {
    return Error{ErrorCode::kCorruption, "the answer has an unknown Content-Encoding \"" +
                                             std::string(response.header("Content-Encoding")) +
                                             "\""};
  }
  if (*coding == Coding::kIdentity || response.body.empty()) return {};
  Decompressed unpacked = Decompress(*coding, response.body, max_bytes);
  if (unpacked.outcome != Decompressed::Outcome::kOk) {
    const bool large = unpacked.outcome == Decompressed::Outcome::kTooLarge;
    return Error{large ? ErrorCode::kBusy : ErrorCode::kCorruption,
                 "the answer: " + unpacked.message};
  }
  response.body = std::move(unpacked.bytes);
  return {};
}

}  // namespace

std::string_view HttpClientResponse::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return {};
}

struct HttpClient::Impl {
  Result<HttpClientResponse> Send(const HttpClientRequest& request);
  Result<HttpClientResponse> SendOver(Connection& c, const HttpClientRequest& request, bool& keep);
  Status Run(Connection& c, const std::stop_token& stop, asio::awaitable<void> work,
             Outcome& outcome);
  std::unique_ptr<Connection> TakeIdle();
  void Keep(std::unique_ptr<Connection> connection);

  HttpClientOptions options;
  std::shared_ptr<TlsContext> tls;  // null: plain
  std::mutex mutex;
  std::vector<std::unique_ptr<Connection>> idle;  // guarded by mutex; latest last
};

// Runs `work` to its end on this thread. `stop` closes the socket under it.
Status HttpClient::Impl::Run(Connection& c, const std::stop_token& stop, asio::awaitable<void> work,
                             Outcome& outcome) {
  const std::uint64_t use = ++c.use;
  const std::stop_callback on_stop(stop, [&c, use] {
    asio::post(c.io, [&c, use] {
      if (c.use == use) c.stream.tcp().close();
    });
  });
  c.io.restart();
  asio::co_spawn(c.io, std::move(work), asio::detached);
  c.io.run();
  ++c.use;
  if (!outcome.error) return {};
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "cancelled"};
  return ToError(outcome, options);
}

Result<HttpClientResponse> HttpClient::Impl::SendOver(Connection& c,
                                                      const HttpClientRequest& request,
                                                      bool& keep) {
  const std::string head = HeadOf(request, options);
  std::optional<Parser> parser;
  const std::function<void()> make_parser = [&] {
    parser.emplace();
    parser->header_limit(options.max_header_bytes);
    parser->body_limit(options.max_body_bytes);
    parser->skip(request.method == "HEAD");
  };
  Outcome outcome;
  TS_TRY(Run(c, request.stop,
             Exchange(c, head, request.body, options.timeout, parser, make_parser, outcome),
             outcome));
  HttpClientResponse response;
  auto& message = parser->get();
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    response.headers.emplace_back(
        std::string(field.name_string().data(), field.name_string().size()),
        std::string(field.value().data(), field.value().size()));
  }
  keep = outcome.reusable && parser->keep_alive() && response.status / 100 != 1;
  response.body = std::move(message.body());
  TS_TRY(Unpack(response, options.max_body_bytes));
  return response;
}

Result<HttpClientResponse> HttpClient::Impl::Send(const HttpClientRequest& request) {
  TS_TRY(CheckSendable(request));
  auto connection = TakeIdle();
  if (connection == nullptr) {
    connection = std::make_unique<Connection>();
    Outcome outcome;
    TS_TRY(Run(*connection, request.stop, Connect(*connection, options, outcome), outcome));
    if (tls != nullptr) {
      const auto context = tls->Current();
      TS_TRY(Run(*connection, request.stop,
                 ShakeHands(*connection, options, context.get(), outcome), outcome));
    }
  }
  bool keep = false;
  auto response = SendOver(*connection, request, keep);
  if (response.has_value() && keep) Keep(std::move(connection));
  return response;
}

std::unique_ptr<Connection> HttpClient::Impl::TakeIdle() {
  const std::lock_guard lock(mutex);
  while (!idle.empty()) {
    auto connection = std::move(idle.back());
    idle.pop_back();
    const bool young = Clock::now() - connection->idle_since < options.idle_timeout;
    if (young && IsStillQuiet(*connection)) return connection;
  }
  return nullptr;
}

void HttpClient::Impl::Keep(std::unique_ptr<Connection> connection) {
  if (connection->buffer.size() != 0) return;  // more than the answer came
  connection->buffer.shrink_to_fit();
  connection->stream.tcp().expires_never();
  connection->idle_since = Clock::now();
  const std::lock_guard lock(mutex);
  if (idle.size() < options.max_idle_connections) idle.push_back(std::move(connection));
}

Result<std::unique_ptr<HttpClient>> HttpClient::Make(HttpClientOptions options) {
  if (options.host.empty() || options.port == 0) {
    return Error{ErrorCode::kInvalidArgument, "cannot call " +
                                                  FormatHostPort(options.host, options.port) +
                                                  ": a host and a port are needed"};
  }
  auto impl = std::make_unique<Impl>();
  if (options.tls.enabled) {
    TS_TRY_ASSIGN(impl->tls, TlsContext::ForClient(options.tls));
  }
  impl->options = std::move(options);
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

Result<HttpClientResponse> HttpClient::Send(const HttpClientRequest& request) {
  const auto context = [&] {
    return request.method + (impl_->tls != nullptr ? " https://" : " http://") +
           FormatHostPort(impl_->options.host, impl_->options.port) + request.target;
  };
  try {
    auto response = impl_->Send(request);
    if (!response.has_value()) return std::move(response).error().WithContext(context());
    return response;
  } catch (const std::exception& error) {
    return Error{ErrorCode::kIo, context() + ": " + error.what()};
  }
}

}  // namespace tracestore::net
