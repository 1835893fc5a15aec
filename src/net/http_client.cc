#define BOOST_ASIO_NO_DEPRECATED
#include "net/http_client.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "base/try.h"
#include "net/client_connections.h"
#include "net/compression.h"
#include "net/host_port.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Parser = http::response_parser<http::string_body>;

constexpr std::size_t kReadBuffer =
    64 * 1024;  // with less capacity Beast reads 512 bytes at a time
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

asio::awaitable<void> Exchange(ClientConnection& c, std::string_view head, std::string_view body,
                               std::chrono::milliseconds timeout, std::optional<Parser>& parser,
                               const std::function<void()>& make_parser, ClientOutcome& outcome) {
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

Error ToHttpError(const ClientOutcome& outcome, const HttpClientOptions& options,
                  const std::stop_token& stop) {
  const error_code& ec = outcome.error;
  if (stop.stop_requested()) return ToError(outcome, stop);
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
  if (ec.category() == http::make_error_code(http::error::bad_method).category())
    return {ErrorCode::kCorruption, outcome.step + ": " + ec.message()};
  return ToError(outcome, stop);
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
  Result<HttpClientResponse> SendOver(ClientConnection& c, const HttpClientRequest& request,
                                      bool& keep);

  HttpClientOptions options;
  std::unique_ptr<ClientConnections> connections;
};

Result<HttpClientResponse> HttpClient::Impl::SendOver(ClientConnection& c,
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
  ClientOutcome outcome;
  RunOn(c, request.stop,
        Exchange(c, head, request.body, options.timeout, parser, make_parser, outcome));
  if (outcome.error) return ToHttpError(outcome, options, request.stop);
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
  auto connection = connections->TakeIdle();
  if (connection == nullptr) {
    TS_TRY_ASSIGN(connection, connections->Open(request.stop));
  }
  bool keep = false;
  auto response = SendOver(*connection, request, keep);
  if (response.has_value() && keep) connections->Keep(std::move(connection));
  return response;
}

Result<std::unique_ptr<HttpClient>> HttpClient::Make(HttpClientOptions options) {
  ClientConnectionsOptions at;
  at.host = options.host;
  at.port = options.port;
  at.tls = options.tls;
  at.connect_timeout = options.connect_timeout;
  at.max_idle = options.max_idle_connections;
  at.idle_timeout = options.idle_timeout;
  auto impl = std::make_unique<Impl>();
  TS_TRY_ASSIGN(impl->connections, ClientConnections::Make(std::move(at)));
  impl->options = std::move(options);
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

Result<HttpClientResponse> HttpClient::Send(const HttpClientRequest& request) {
  const auto context = [&] {
    return request.method + (impl_->connections->is_tls() ? " https://" : " http://") +
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
