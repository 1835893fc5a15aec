// TlsCarrier: ends the TLS of clients that speak nothing but HTTP/2, and carries what they say on
// in plain, each over a connection of the loopback. gRPC's clients and those of ordinary HTTP/2
// offer the same in their hellos: what they are shows only behind the TLS, and gRPC takes a
// connection of which nothing was read. Private to DualServer.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "net/tls_context.h"

namespace tracestore::net {

struct TlsCarrierOptions {
  // Handshakes that go on. One more closes the one that goes on longest. As many clients again may
  // be brought what is left of connections that the other side has ended, and as many be told.
  std::size_t max_handshakes = 1024;
  std::chrono::milliseconds handshake_timeout{10'000};
  // In which a client must take something of what is there for it.
  std::chrono::milliseconds write_timeout{30'000};
};

// One thread of its own. It holds no more than 64 KiB each way of a client that doesn't take them,
// or the other side doesn't, beside what the kernel has of both sockets; none of one that is idle.
class TlsCarrier {
 public:
  // Takes over `fd`, a connected socket that doesn't block, and speaks plain HTTP/2 with it as the
  // client does; `client` is its address, "127.0.0.1:41234". On the carrier's thread; must not
  // block.
  using Deliver = std::function<void(int fd, std::string client)>;

  // Errors: kIo, out of descriptors.
  static Result<std::unique_ptr<TlsCarrier>> Start(TlsCarrierOptions options,
                                                   std::shared_ptr<TlsContext> context,
                                                   Deliver deliver);

  ~TlsCarrier();  // Stop(0)
  TlsCarrier(const TlsCarrier&) = delete;
  TlsCarrier& operator=(const TlsCarrier&) = delete;

  // Takes over `fd`, a connected socket that doesn't block, with all of a ClientHello that can be
  // read. Any thread; after Stop() it is closed.
  void Carry(int fd);

  // Ends handshakes, and brings clients the last of what there is for them: those who have
  // `deliver`'s descriptors are to have closed them. Then closes what is left. May be called again;
  // not from `deliver`.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit TlsCarrier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
