// ConnectionSorter: a listening socket that sees by a connection's first bytes what it is, without
// reading them, and hands the socket on. Who connects and says nothing costs a descriptor here, and
// no more. Private to DualServer and GrpcServer.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/first_bytes.h"

namespace tracestore::net {

struct ConnectionSorterOptions {
  std::string host = "127.0.0.1";  // a name or an address; "" = all interfaces
  std::uint16_t port = 0;          // 0 = a free one, see ConnectionSorter::port()
  bool listen = true;              // false: connections come by Adopt() alone
  // Connections that have not said what they are. One more closes the one that waits longest.
  std::size_t max_waiting = 1024;
  std::chrono::milliseconds first_bytes_timeout{10'000};  // then it is closed
  // After HTTP/2's preface, look on for the first request: FirstBytes::is_http. Who sends none at
  // once is greeted, and delivered without one after a while, as gRPC: its clients keep connections
  // ready over which they ask nothing.
  bool look_at_requests = false;
  std::chrono::milliseconds first_request_timeout{1'000};
};

// One thread of its own.
class ConnectionSorter {
 public:
  // Takes over `fd`, a connected socket that doesn't block, with all of its bytes still to be read.
  // kIncomplete: the client sends no more. Called on the sorter's thread; must not block.
  using Deliver = std::function<void(int fd, const FirstBytes& first)>;

  // Errors as HttpServer::Start.
  static Result<std::unique_ptr<ConnectionSorter>> Start(ConnectionSorterOptions options,
                                                         Deliver deliver);

  ~ConnectionSorter();  // Stop()
  ConnectionSorter(const ConnectionSorter&) = delete;
  ConnectionSorter& operator=(const ConnectionSorter&) = delete;

  std::uint16_t port() const noexcept;  // 0 if it doesn't listen

  // Takes over `fd`, a connected socket that doesn't block, of which nothing was read; it is
  // carried for `client` (FirstBytes::client). Any thread; after Stop(), and beyond max_waiting
  // that the sorter didn't get round to, it is closed.
  void Adopt(int fd, std::string client);

  // Accepts nothing more and closes what waits. May be called again; not from `deliver`.
  void Stop();

 private:
  struct Impl;
  explicit ConnectionSorter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
