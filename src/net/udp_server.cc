#include "net/udp_server.h"

#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "base/try.h"
#include "net/listen.h"

#ifndef SO_MEMINFO  // Linux 4.12; older headers lack it
#define SO_MEMINFO 55
#endif

namespace tracestore::net {
namespace {

// Packets of one system call: at a few microseconds each, the call costs little of the whole.
constexpr std::size_t kPacketsPerCall = 32;
// After which the reader looks whether it shall end: packets may come as fast as it takes them.
constexpr std::size_t kCallsPerTurn = 64;
// What a packet takes of the socket's buffer is more: the kernel counts what it needs itself.
constexpr std::size_t kLeastHeld = 256;
// Of one call of the handler (UdpServerOptions::gather): a record of the log has a fixed price.
constexpr std::size_t kGatherPackets = 64;
constexpr std::size_t kGatherBytes = std::size_t{256} << 10;

// Closes a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  const int fd_;
};

// The buffers of one recvmmsg(2).
class Receiver {
 public:
  Receiver(int fd, std::size_t max_packet_bytes)
      : fd_(fd), slot_(max_packet_bytes), memory_(kPacketsPerCall * max_packet_bytes, '\0') {
    for (std::size_t i = 0; i < kPacketsPerCall; ++i) {
      parts_[i] = {memory_.data() + i * slot_, slot_};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // The number of packets, or -1 with errno set. Doesn't wait.
  int Read() noexcept {
    return recvmmsg(fd_, messages_.data(), kPacketsPerCall, MSG_DONTWAIT, nullptr);
  }
  // nullopt-like: truncated ones are told apart by long_at().
  std::string_view at(int i) const noexcept {
    const auto slot = static_cast<std::size_t>(i);
    return {memory_.data() + slot * slot_, messages_[slot].msg_len};
  }
  bool long_at(int i) const noexcept {
    return (messages_[static_cast<std::size_t>(i)].msg_hdr.msg_flags & MSG_TRUNC) != 0;
  }

 private:
  int fd_;
  std::size_t slot_;
  std::string memory_;
  std::array<iovec, kPacketsPerCall> parts_{};
  std::array<mmsghdr, kPacketsPerCall> messages_{};
};

}  // namespace

struct UdpServer::Impl {
  Impl(const UdpServerOptions& given, ListenSocket socket, PacketHandler then)
      : options(given),
        handler(std::move(then)),
        port(socket.port()),
        fd(socket.Release()),
        wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  // Of what waits: enough for one call. Under mutex.
  bool IsEnough() const {
    return waiting.size() >= std::min(kGatherPackets, options.queue_packets) ||
           waiting.bytes() >= std::min(kGatherBytes, options.queue_bytes / 2);
  }

  void ReadLoop();
  bool Read(Receiver& receiver, std::size_t most_calls);
  void Enqueue(const Receiver& receiver, int count);
  void HandleLoop();
  std::uint32_t MemoryInfo(std::size_t which) const;
  std::size_t HeldBytes() const;

  const UdpServerOptions options;
  const PacketHandler handler;
  const std::uint16_t port;
  const Descriptor fd;
  const Descriptor wake;  // readable once the reader shall end

  std::atomic<std::uint64_t> packets{0}, bytes{0}, dropped_full{0}, dropped_long{0};
  std::atomic<std::uint64_t> read_errors{0};

  std::mutex mutex;
  std::condition_variable changed;  // of what the mutex guards
  PacketBlock waiting;              // guarded by mutex
  bool reader_done = false;         // guarded by mutex
  bool handler_done = false;        // guarded by mutex
  bool drop_waiting = false;        // guarded by mutex: the grace is over

  std::mutex stop_mutex;  // one Stop() at a time
  std::jthread reader;    // takes packets off the socket
  std::jthread worker;    // runs the handler
};

// What waits in the socket, by so many calls at most; false where reading failed for good.
bool UdpServer::Impl::Read(Receiver& receiver, std::size_t most_calls) {
  for (std::size_t calls = 0; calls < most_calls; ++calls) {
    const int count = receiver.Read();
    if (count > 0) {
      Enqueue(receiver, count);
      if (static_cast<std::size_t>(count) < kPacketsPerCall) return true;
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    if (errno == EINTR) continue;
    // What an ICMP answer brings up (ECONNREFUSED) concerns packets that were sent; others, too,
    // may pass: the loop goes on, and a call that always fails doesn't spin.
    ++read_errors;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return errno != EBADF;
  }
  return true;
}

void UdpServer::Impl::Enqueue(const Receiver& receiver, int count) {
  bool wake_handler = false;
  {
    const std::lock_guard lock(mutex);
    const bool first = waiting.size() == 0;
    const bool enough_before = IsEnough();
    for (int i = 0; i < count; ++i) {
      const std::string_view packet = receiver.at(i);
      if (receiver.long_at(i)) {
        ++dropped_long;
      } else if (waiting.size() >= options.queue_packets ||
                 waiting.bytes() + packet.size() > options.queue_bytes) {
        ++dropped_full;
      } else {
        waiting.Add(packet);
        ++packets;
        bytes += packet.size();
      }
    }
    // Between the first one and enough of them the handler's thread waits for the time to pass.
    wake_handler = first || (!enough_before && IsEnough());
  }
  if (wake_handler) changed.notify_all();
}

void UdpServer::Impl::ReadLoop() {
  Receiver receiver(fd.get(), options.max_packet_bytes);
  std::array<pollfd, 2> ready{pollfd{fd.get(), POLLIN, 0}, pollfd{wake.get(), POLLIN, 0}};
  for (;;) {
    const int count = poll(ready.data(), ready.size(), -1);
    if (count < 0 && errno != EINTR) break;
    if (count < 0) continue;
    const bool last = (ready[1].revents & POLLIN) != 0;
    std::size_t calls = kCallsPerTurn;
    // In the end what the socket holds now: what comes meanwhile is behind it.
    if (last) calls += HeldBytes() / kLeastHeld / kPacketsPerCall;
    if (!Read(receiver, calls) || last) break;
  }
  const std::lock_guard lock(mutex);
  reader_done = true;
  changed.notify_all();
}

void UdpServer::Impl::HandleLoop() {
  PacketBlock block;
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [&] { return waiting.size() > 0 || reader_done; });
    if (options.gather.count() > 0) {
      changed.wait_for(lock, options.gather, [&] { return IsEnough() || reader_done; });
    }
    if (drop_waiting) {
      packets -= waiting.size();
      bytes -= waiting.bytes();
      dropped_full += waiting.size();
      waiting.Clear();
    }
    if (waiting.size() == 0) {
      if (reader_done) break;
      continue;
    }
    std::swap(block, waiting);
    lock.unlock();
    try {
      handler(block);
    } catch (...) {  // a handler's own bug must not end the process
    }
    block.Clear();
    lock.lock();
  }
  handler_done = true;
  changed.notify_all();
}

// At most what the socket holds, with what the kernel adds to each packet.
std::size_t UdpServer::Impl::HeldBytes() const {
  if (const std::uint32_t held = MemoryInfo(SK_MEMINFO_RMEM_ALLOC); held != 0) return held;
  int most = 0;  // of kernels that don't tell
  socklen_t size = sizeof most;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &most, &size) != 0 || most < 0) return 0;
  return static_cast<std::size_t>(most);
}

// What the kernel tells of the socket, SK_MEMINFO_…; 0 where it doesn't.
std::uint32_t UdpServer::Impl::MemoryInfo(std::size_t which) const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return 0;
  return size > which * sizeof info[0] ? info[which] : 0;
}

Result<std::unique_ptr<UdpServer>> UdpServer::Start(const UdpServerOptions& options,
                                                    PacketHandler handler) {
  if (options.max_packet_bytes == 0 || options.queue_packets == 0)
    return Error(ErrorCode::kInvalidArgument, "a UDP server takes packets of at least one byte");
  TS_TRY_ASSIGN(ListenSocket socket,
                ListenSocket::Open(options.host, options.port, Transport::kUdp));
  auto impl = std::make_unique<Impl>(options, std::move(socket), std::move(handler));
  if (options.socket_buffer_bytes != 0) {
    const int size = static_cast<int>(std::min<std::size_t>(
        options.socket_buffer_bytes, std::numeric_limits<int>::max() / 2));  // the kernel doubles
    setsockopt(impl->fd.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  if (impl->wake.get() < 0) return Error(ErrorCode::kIo, "cannot make an event descriptor");
  impl->worker = base::StartThread([&state = *impl] { state.HandleLoop(); });
  impl->reader = base::StartThread([&state = *impl] { state.ReadLoop(); });
  return std::unique_ptr<UdpServer>(new UdpServer(std::move(impl)));
}

UdpServer::UdpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

UdpServer::~UdpServer() { Stop(std::chrono::milliseconds(0)); }

std::uint16_t UdpServer::port() const noexcept { return impl_->port; }

UdpCounters UdpServer::counters() const {
  UdpCounters counters;
  counters.packets = impl_->packets;
  counters.bytes = impl_->bytes;
  counters.dropped_full = impl_->dropped_full;
  counters.dropped_long = impl_->dropped_long;
  counters.read_errors = impl_->read_errors;
  // 32 bits, which a service's life may wrap; at a thousand drops a second that takes seven weeks.
  counters.dropped_kernel = impl_->MemoryInfo(SK_MEMINFO_DROPS);
  const std::lock_guard lock(impl_->mutex);
  counters.queued = impl_->waiting.size();
  return counters;
}

void UdpServer::Stop(std::chrono::milliseconds grace) {
  const std::lock_guard one(impl_->stop_mutex);
  if (!impl_->reader.joinable()) return;
  const std::uint64_t yes = 1;
  [[maybe_unused]] const ssize_t written = write(impl_->wake.get(), &yes, sizeof yes);
  impl_->reader.join();
  {
    std::unique_lock lock(impl_->mutex);
    if (!impl_->changed.wait_for(lock, grace, [&] { return impl_->handler_done; }))
      impl_->drop_waiting = true;
    impl_->changed.notify_all();
  }
  impl_->worker.join();
}

}  // namespace tracestore::net
