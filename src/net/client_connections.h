// ClientConnections: sockets to one server, plain or under TLS, opened when they are needed and
// kept for the next call. Private to HttpClient and FramedClient: it shows Asio.
//
// One io_context a connection, run by the thread that calls: no threads of our own, and every step
// has a time-out all the same.
#pragma once
#ifndef BOOST_ASIO_NO_DEPRECATED
#define BOOST_ASIO_NO_DEPRECATED
#endif
#include <tracestore/status.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "net/secure_stream.h"
#include "net/tls.h"
#include "net/tls_context.h"

namespace tracestore::net {

// An open socket and what it needs to be used; by one thread at a time.
struct ClientConnection {
  static constexpr std::size_t kMaxBuffer = 256 * 1024;

  boost::asio::io_context io{1};
  SecureStream stream{io};
  boost::beast::flat_buffer buffer{kMaxBuffer};
  std::uint64_t use = 0;  // of the call that has it, so that a late stop doesn't meet the next one
  std::chrono::steady_clock::time_point idle_since;
};

// What a step of a call gives back.
struct ClientOutcome {
  // Until the end of the work is reached.
  boost::system::error_code error = boost::asio::error::operation_aborted;
  std::string step;       // "cannot connect"
  bool reusable = false;  // the connection may be kept
};

struct ClientConnectionsOptions {
  std::string host;
  std::uint16_t port = 0;
  TlsClientOptions tls;
  // To look the name up, connect and shake hands, each.
  std::chrono::milliseconds connect_timeout{5'000};
  std::size_t max_idle = 4;
  std::chrono::milliseconds idle_timeout{30'000};
};

// Threads: any.
class ClientConnections {
 public:
  // Connects to nothing yet. Errors: kInvalidArgument (no host, no port); those of the TLS files.
  static Result<std::unique_ptr<ClientConnections>> Make(ClientConnectionsOptions options);

  // A kept one that is still open, or null.
  std::unique_ptr<ClientConnection> TakeIdle();
  // A new one, connected and behind its handshake. Errors: kIo, kCancelled.
  Result<std::unique_ptr<ClientConnection>> Open(const std::stop_token& stop);
  // For the next call, where it is reusable and there is room; else it is closed.
  void Keep(std::unique_ptr<ClientConnection> connection);

  bool is_tls() const noexcept { return tls_ != nullptr; }

 private:
  ClientConnections(ClientConnectionsOptions options, std::shared_ptr<TlsContext> tls)
      : options_(std::move(options)), tls_(std::move(tls)) {}

  const ClientConnectionsOptions options_;
  const std::shared_ptr<TlsContext> tls_;  // null: plain
  std::mutex mutex_;
  std::vector<std::unique_ptr<ClientConnection>> idle_;  // guarded by mutex_; latest last
};

// Runs `work` to its end on this thread; it tells the outcome. `stop` closes the socket under it.
void RunOn(ClientConnection& connection, const std::stop_token& stop,
           boost::asio::awaitable<void> work);

// The sentence of a failed step: kCancelled for a time-out and a stop, else kIo.
Error ToError(const ClientOutcome& outcome, const std::stop_token& stop);

}  // namespace tracestore::net
