// One socket that listens on an address, and the one place where its errors are worded.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <string>

namespace tracestore::net {

enum class Transport : unsigned char { kTcp, kUdp };

// Owns a file descriptor that listens (TCP), or that packets come to (UDP). Movable; closes what it
// still owns.
class ListenSocket {
 public:
  // Binds and listens (not blocking, close-on-exec, of TCP SO_REUSEADDR). `host` "" = all
  // interfaces: IPv6 with IPv4 mapped where the machine has IPv6, else IPv4. Port 0 takes a free
  // one. Errors: kIo, "cannot listen on 127.0.0.1:16686: …"; kInvalidArgument if the host is
  // unknown.
  static Result<ListenSocket> Open(const std::string& host, std::uint16_t port,
                                   Transport transport = Transport::kTcp);

  ~ListenSocket();
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;

  std::uint16_t port() const noexcept { return port_; }
  bool is_ipv6() const noexcept { return ipv6_; }
  // Gives the descriptor to the caller, who closes it.
  int Release() noexcept;

 private:
  ListenSocket(int fd, std::uint16_t port, bool ipv6) : fd_(fd), port_(port), ipv6_(ipv6) {}
  int fd_;
  std::uint16_t port_;
  bool ipv6_;
};

}  // namespace tracestore::net
