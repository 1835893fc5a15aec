#include "net/peer_address.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/host_port.h"

namespace tracestore::net {

std::string AddressOfPeer(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getpeername(fd, plain, &size) != 0 ||
      (address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
      getnameinfo(plain, size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  std::string_view name(host.data());
  constexpr std::string_view kMapped = "::ffff:";
  if (name.starts_with(kMapped) && name.find('.') != std::string_view::npos)
    name.remove_prefix(kMapped.size());
  return FormatHostPort(std::string(name), static_cast<std::uint16_t>(std::atoi(port.data())));
}

}  // namespace tracestore::net
