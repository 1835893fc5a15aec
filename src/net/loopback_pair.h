// LoopbackPair: a TCP connection of this process with itself. Private to TlsCarrier.
#pragma once
#include <optional>

#include "net/descriptor.h"

namespace tracestore::net {

// Neither end blocks. TCP, because who has the far end goes by the address of its peer, by what TCP
// tells of it, and by what it can do to it (GrpcConnections); a pair of sockets of the file system
// has none of that. Buffers are bounded. The near end is closed with a reset, so that no address is
// kept for a minute after each.
struct LoopbackPair {
  Descriptor near, far;
};

// Nothing: no descriptors, or no loopback.
std::optional<LoopbackPair> MakeLoopbackPair();

}  // namespace tracestore::net
