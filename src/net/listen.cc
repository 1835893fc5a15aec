#include "net/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cctype>
#include <memory>
#include <system_error>
#include <utility>

#include "net/host_port.h"

namespace tracestore::net {
namespace {

// Connections the kernel completes before accept() takes them; SOMAXCONN of Linux since 5.4.
constexpr int kBacklog = 4096;

Error CannotListen(const std::string& host, std::uint16_t port, int error) {
  std::string why = std::generic_category().message(error);
  if (!why.empty()) why[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(why[0])));
  if (error == EADDRINUSE) why += " (is another tracestore or Jaeger running?)";
  return {ErrorCode::kIo, "cannot listen on " + FormatHostPort(host, port) + ": " + why};
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// The socket, or -1 with errno set.
int OpenOne(const addrinfo& address) {
  const bool stream = address.ai_socktype == SOCK_STREAM;
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int yes = 1;
  const int no = 0;
  // Not of UDP, where it would let two processes have the same port.
  if (stream) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (address.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  if (bind(fd, address.ai_addr, address.ai_addrlen) == 0 && (!stream || listen(fd, kBacklog) == 0))
    return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

std::uint16_t BoundPort(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

Result<ListenSocket> ListenSocket::Open(const std::string& host, std::uint16_t port,
                                        Transport transport) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = transport == Transport::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const std::string service = std::to_string(port);
  const char* node = host.empty() ? nullptr : host.c_str();
  const int failed = getaddrinfo(node, service.c_str(), &hints, &raw);
  if (failed != 0) {
    return Error{ErrorCode::kInvalidArgument, "cannot listen on " + FormatHostPort(host, port) +
                                                  ": unknown host \"" + host + "\""};
  }
  const Addresses addresses(raw);
  // All interfaces: IPv6 first, because its socket takes IPv4 too. A name: in the resolver's order.
  int last_error = EADDRNOTAVAIL;
  for (const bool want_ipv6 : {true, false}) {
    for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
      const bool ipv6 = at->ai_family == AF_INET6;
      if (!ipv6 && at->ai_family != AF_INET) continue;
      if (host.empty() && ipv6 != want_ipv6) continue;
      const int fd = OpenOne(*at);
      if (fd >= 0) return ListenSocket(fd, BoundPort(fd), ipv6);
      last_error = errno;
      if (last_error == EADDRINUSE) return CannotListen(host, port, last_error);
    }
    if (!host.empty()) break;
  }
  return CannotListen(host, port, last_error);
}

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) close(fd_);
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_), ipv6_(other.ipv6_) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  port_ = other.port_;
  ipv6_ = other.ipv6_;
  return *this;
}

int ListenSocket::Release() noexcept { return std::exchange(fd_, -1); }

}  // namespace tracestore::net
