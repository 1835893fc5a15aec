// UdpServer: packets on one address, many at a time.
//
// One thread reads them off the socket into a bounded queue, as fast as it can; another gives all
// that wait to the handler, so that the more there is to do, the more is done in one go.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::net {

struct UdpServerOptions {
  std::string host = "127.0.0.1";  // a name or an address; "" = all interfaces
  std::uint16_t port = 0;          // 0 = a free one, see UdpServer::port()
  // Of one packet; longer ones are dropped. 65,507 bytes are the most that IPv4 carries.
  std::size_t max_packet_bytes = 65'507;
  // What waits for the handler; more is dropped.
  std::size_t queue_packets = 1'000;
  std::size_t queue_bytes = std::size_t{16} << 20;
  // How long a packet may wait for others, so that one call has more of them: 64, or 256 KiB, are
  // not waited beyond. 0: each call has what waits when the last one ended.
  std::chrono::milliseconds gather{0};
  // Of the kernel's buffer, which holds what comes while this process doesn't run; 0: the system's
  // default. The system may give less (net.core.rmem_max).
  std::size_t socket_buffer_bytes = 0;
};

// Packets in one piece of memory, in the order they came.
class PacketBlock {
 public:
  std::size_t size() const noexcept { return ends_.size(); }
  std::size_t bytes() const noexcept { return bytes_.size(); }
  std::string_view operator[](std::size_t i) const noexcept {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  void Add(std::string_view packet) {
    bytes_ += packet;
    ends_.push_back(bytes_.size());
  }
  void Clear() noexcept {
    bytes_.clear();
    ends_.clear();
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

// Since the start. A packet is in exactly one of the first four.
struct UdpCounters {
  std::uint64_t packets = 0;         // given to the handler, or about to be
  std::uint64_t dropped_full = 0;    // the queue was full
  std::uint64_t dropped_long = 0;    // longer than max_packet_bytes
  std::uint64_t dropped_kernel = 0;  // the socket's buffer was full: the kernel's own count
  std::uint64_t bytes = 0;           // of `packets`
  std::uint64_t read_errors = 0;     // calls that failed
  std::uint64_t queued = 0;          // packets that wait now
};

// Called on the server's second thread, one call at a time; the block is valid during the call. May
// block: the queue takes what comes meanwhile. An exception ends the call and is passed over.
using PacketHandler = std::function<void(const PacketBlock& packets)>;

class UdpServer {
 public:
  // Errors: kIo, "cannot listen on 127.0.0.1:6831: address already in use (…)"; kInvalidArgument,
  // unknown host.
  static Result<std::unique_ptr<UdpServer>> Start(const UdpServerOptions& options,
                                                  PacketHandler handler);

  ~UdpServer();  // Stop(0)
  UdpServer(const UdpServer&) = delete;
  UdpServer& operator=(const UdpServer&) = delete;

  std::uint16_t port() const noexcept;
  // From any thread, also after Stop().
  UdpCounters counters() const;

  // Takes what the socket holds now, however much goes on coming, and has the handler do what
  // waits; what comes later is in no count but the kernel's, where the buffer is full. After
  // `grace` what it hasn't begun is dropped and counted; a handler that still runs is waited for.
  // May be called again; not from the handler.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit UdpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
