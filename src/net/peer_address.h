// The address of a connection's other end, as servers and their handlers name it.
#pragma once
#include <string>

namespace tracestore::net {

// "127.0.0.1:41234", "[::1]:41234", "[fe80::1%eth0]:41234"; an IPv4 address that came as IPv6 is
// IPv4. "": not connected, or not by TCP or UDP.
std::string AddressOfPeer(int fd);

}  // namespace tracestore::net
