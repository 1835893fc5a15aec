#include "net/loopback_pair.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace tracestore::net {
namespace {

// Each pair has an address of its own of 127.64.0.1 to 127.127.255.254: ports of 127.0.0.1 are of
// use to others.
constexpr std::uint32_t kFirstHost = 0x7F40'0001, kHosts = 0x3F'FFFE;
constexpr int kBufferBytes = 256 * 1024;
// Others of this machine may connect to the address while it is listened on.
constexpr int kAccepts = 8;
constexpr timeval kPatience{1, 0};

template <typename Value>
void Set(int fd, int level, int option, const Value& value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

sockaddr_in Loopback(std::uint32_t host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  return address;
}

Descriptor Bound(sockaddr_in& address) {
  Descriptor made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Set(made.get(), SOL_SOCKET, SO_RCVBUF, kBufferBytes);
  Set(made.get(), SOL_SOCKET, SO_SNDBUF, kBufferBytes);
  Set(made.get(), SOL_SOCKET, SO_RCVTIMEO, kPatience);
  Set(made.get(), SOL_SOCKET, SO_SNDTIMEO, kPatience);
  socklen_t size = sizeof(address);
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (bind(made.get(), plain, sizeof(address)) != 0 || getsockname(made.get(), plain, &size) != 0)
    return Descriptor();
  return made;
}

bool IsOf(int fd, const sockaddr_in& peer) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sin_addr.s_addr == peer.sin_addr.s_addr && address.sin_port == peer.sin_port;
}

std::optional<LoopbackPair> MakeAt(std::uint32_t host) {
  sockaddr_in there = Loopback(host), here = Loopback(host);
  const Descriptor listening = Bound(there);
  Descriptor near = Bound(here);
  if (listening.get() < 0 || near.get() < 0 || listen(listening.get(), kAccepts) != 0 ||
      connect(near.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0)
    return std::nullopt;
  for (int i = 0; i < kAccepts; ++i) {
    Descriptor far(accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (far.get() < 0) return std::nullopt;
    if (!IsOf(far.get(), here)) continue;
    Set(near.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    Set(near.get(), SOL_SOCKET, SO_LINGER, linger{1, 0});
    if (fcntl(near.get(), F_SETFL, O_NONBLOCK) != 0) return std::nullopt;
    return LoopbackPair{std::move(near), std::move(far)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<LoopbackPair> MakeLoopbackPair() {
  static std::atomic<std::uint32_t> next{0};
  static std::atomic<bool> has_many{true};
  if (has_many) {
    if (auto made = MakeAt(kFirstHost + next++ % kHosts)) return made;
  }
  // Where the loopback has no more than its one address, or others are kept from use.
  auto made = MakeAt(INADDR_LOOPBACK);
  if (made) has_many = false;
  return made;
}

}  // namespace tracestore::net
