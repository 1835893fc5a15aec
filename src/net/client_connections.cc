#include "net/client_connections.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <utility>

#include "base/try.h"
#include "net/host_port.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

auto Into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

// False if the server has closed it, or sent what nobody asked for.
bool IsStillQuiet(ClientConnection& c) {
  error_code ec;
  c.stream.tcp().socket().non_blocking(true, ec);
  char byte = 0;
  c.stream.tcp().socket().receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
  return ec == asio::error::would_block || ec == asio::error::try_again;
}

asio::awaitable<void> Connect(ClientConnection& c, const ClientConnectionsOptions& options,
                              ClientOutcome& outcome) {
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

asio::awaitable<void> ShakeHands(ClientConnection& c, const ClientConnectionsOptions& options,
                                 SSL_CTX* context, ClientOutcome& outcome) {
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

}  // namespace

Result<std::unique_ptr<ClientConnections>> ClientConnections::Make(
    ClientConnectionsOptions options) {
  if (options.host.empty() || options.port == 0) {
    return Error{ErrorCode::kInvalidArgument, "cannot call " +
                                                  FormatHostPort(options.host, options.port) +
                                                  ": a host and a port are needed"};
  }
  std::shared_ptr<TlsContext> tls;
  if (options.tls.enabled) {
    TS_TRY_ASSIGN(tls, TlsContext::ForClient(options.tls));
  }
  // Its constructor is private.
  return std::unique_ptr<ClientConnections>(
      new ClientConnections(std::move(options), std::move(tls)));
}

std::unique_ptr<ClientConnection> ClientConnections::TakeIdle() {
  const std::lock_guard lock(mutex_);
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    const bool young = Clock::now() - connection->idle_since < options_.idle_timeout;
    if (young && IsStillQuiet(*connection)) return connection;
  }
  return nullptr;
}

Result<std::unique_ptr<ClientConnection>> ClientConnections::Open(const std::stop_token& stop) {
  auto connection = std::make_unique<ClientConnection>();
  ClientOutcome outcome;
  RunOn(*connection, stop, Connect(*connection, options_, outcome));
  if (outcome.error) return ToError(outcome, stop);
  if (tls_ != nullptr) {
    const auto context = tls_->Current();
    ClientOutcome shaken;
    RunOn(*connection, stop, ShakeHands(*connection, options_, context.get(), shaken));
    if (shaken.error) return ToError(shaken, stop);
  }
  return connection;
}

void ClientConnections::Keep(std::unique_ptr<ClientConnection> connection) {
  if (connection->buffer.size() != 0) return;  // more than the answer came
  connection->buffer.shrink_to_fit();
  connection->stream.tcp().expires_never();
  connection->idle_since = Clock::now();
  const std::lock_guard lock(mutex_);
  if (idle_.size() < options_.max_idle) idle_.push_back(std::move(connection));
}

void RunOn(ClientConnection& c, const std::stop_token& stop, asio::awaitable<void> work) {
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
}

Error ToError(const ClientOutcome& outcome, const std::stop_token& stop) {
  if (stop.stop_requested()) return {ErrorCode::kCancelled, "cancelled"};
  if (outcome.error == beast::error::timeout)
    return {ErrorCode::kCancelled, outcome.step + " in time"};
  return {ErrorCode::kIo, outcome.step + ": " + outcome.error.message()};
}

}  // namespace tracestore::net
