#include "net/udp_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;

// Sends packets to a port of loopback.
class Sender {
 public:
  explicit Sender(std::uint16_t port) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const int room = 1 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  }
  ~Sender() { close(fd_); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  void Send(std::string_view packet) {
    EXPECT_EQ(send(fd_, packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
  }

 private:
  int fd_;
};

// What a handler was given; may be made to wait.
struct Seen {
  std::mutex mutex;
  std::condition_variable changed;
  std::multiset<std::string> packets;  // guarded by mutex
  std::size_t calls = 0;               // guarded by mutex
  bool held = false;                   // guarded by mutex

  PacketHandler handler() {
    return [this](const PacketBlock& block) {
      std::unique_lock lock(mutex);
      ++calls;
      changed.notify_all();
      changed.wait(lock, [&] { return !held; });
      for (std::size_t i = 0; i < block.size(); ++i) packets.emplace(block[i]);
      changed.notify_all();
    };
  }
  void Hold(bool yes) {
    const std::lock_guard lock(mutex);
    held = yes;
    changed.notify_all();
  }
  void WaitForCalls(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return calls >= count; });
  }
  void WaitForPackets(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return packets.size() >= count; });
  }
};

std::unique_ptr<UdpServer> StartServer(UdpServerOptions options, Seen& seen) {
  auto server = UdpServer::Start(options, seen.handler());
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(*server);
}

// Until the counters tell of as many packets, however they ended.
UdpCounters WaitForAll(const UdpServer& server, std::uint64_t sent) {
  for (;;) {
    const UdpCounters now = server.counters();
    if (now.packets + now.dropped_full + now.dropped_long + now.dropped_kernel >= sent) return now;
    std::this_thread::yield();
  }
}

TEST(UdpServer, GivesEveryPacketOfAnyLength) {
  Seen seen;
  const auto server = StartServer({}, seen);
  Sender sender(server->port());
  const std::string longest(65'507, 'x');
  for (const std::string& packet :
       {std::string("a"), std::string(), std::string(1'500, 'b'), longest})
    sender.Send(packet);
  seen.WaitForPackets(4);
  EXPECT_EQ(seen.packets, (std::multiset<std::string>{"", "a", std::string(1'500, 'b'), longest}));
  const UdpCounters counters = server->counters();
  EXPECT_EQ(counters.packets, 4U);
  EXPECT_EQ(counters.bytes, 1U + 1'500 + 65'507);
  EXPECT_EQ(counters.dropped_kernel, 0U);
}

TEST(UdpServer, DropsWhatIsTooLongAndCountsIt) {
  Seen seen;
  const auto server = StartServer({.max_packet_bytes = 10}, seen);
  Sender sender(server->port());
  sender.Send("01234567890");
  sender.Send("0123456789");
  seen.WaitForPackets(1);
  EXPECT_EQ(seen.packets, (std::multiset<std::string>{"0123456789"}));
  EXPECT_EQ(server->counters().dropped_long, 1U);
}

// While the handler is busy the queue fills to its limits and no further; then the handler gets all
// of it in one call.
TEST(UdpServer, BoundsWhatWaits) {
  Seen seen;
  seen.Hold(true);
  const auto server = StartServer({.queue_packets = 20, .queue_bytes = 100}, seen);
  Sender sender(server->port());
  sender.Send("first");
  seen.WaitForCalls(1);
  for (int i = 0; i < 30; ++i) sender.Send("0123456789");  // ten of them are a hundred bytes
  UdpCounters counters = WaitForAll(*server, 31);
  EXPECT_EQ(counters.packets, 11U);
  EXPECT_EQ(counters.dropped_full, 20U);
  EXPECT_EQ(counters.queued, 10U);
  seen.Hold(false);
  seen.WaitForPackets(11);
  EXPECT_EQ(seen.calls, 2U);
  seen.Hold(true);
  sender.Send("second");
  seen.WaitForCalls(3);
  for (int i = 0; i < 30; ++i) sender.Send("x");
  counters = WaitForAll(*server, 62);
  EXPECT_EQ(counters.queued, 20U);
  EXPECT_EQ(counters.dropped_full, 30U);
  seen.Hold(false);
  server->Stop(10s);
  EXPECT_EQ(seen.packets.size(), 32U);
}

// Whatever the kernel drops is in its count: sent packets are given, or counted.
TEST(UdpServer, CountsWhatTheKernelDrops) {
  Seen seen;
  seen.Hold(true);
  const auto server = StartServer({.queue_packets = 5, .socket_buffer_bytes = 1}, seen);
  Sender sender(server->port());
  constexpr std::uint64_t kSent = 20'000;
  const std::string packet(1'000, 'p');
  for (std::uint64_t i = 0; i < kSent; ++i) sender.Send(packet);
  const UdpCounters counters = WaitForAll(*server, kSent);
  EXPECT_EQ(counters.packets + counters.dropped_full + counters.dropped_kernel, kSent);
  seen.Hold(false);
  server->Stop(10s);
  EXPECT_EQ(seen.packets.size(), server->counters().packets);
}

TEST(UdpServer, GathersPacketsForOneCall) {
  std::mutex mutex;
  std::vector<std::size_t> calls;
  auto server = UdpServer::Start({.gather = 60s}, [&](const PacketBlock& block) {
    const std::lock_guard lock(mutex);
    calls.push_back(block.size());
  });
  ASSERT_TRUE(server.has_value());
  Sender sender((*server)->port());
  for (int i = 0; i < 63; ++i) sender.Send("waits");
  WaitForAll(**server, 63);
  EXPECT_EQ((*server)->counters().queued, 63U);
  sender.Send("is enough");
  while ((*server)->counters().queued != 0) std::this_thread::yield();
  sender.Send("not waited for at the end");
  (*server)->Stop(10s);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_GE(calls[0], 64U);
  EXPECT_EQ(calls[0] + calls[1], 65U);
}

TEST(UdpServer, TakesWhatTheSocketHoldsBeforeItStops) {
  Seen seen;
  const auto server = StartServer({}, seen);
  Sender sender(server->port());
  for (int i = 0; i < 100; ++i) sender.Send(std::to_string(i));
  server->Stop(10s);
  EXPECT_EQ(seen.packets.size(), 100U);
  server->Stop(10s);  // once is enough, twice does no harm
}

TEST(UdpServer, DropsWhatWaitsWhenTheGraceIsOver) {
  Seen seen;
  seen.Hold(true);
  const auto server = StartServer({}, seen);
  Sender sender(server->port());
  sender.Send("begun");
  seen.WaitForCalls(1);
  for (int i = 0; i < 7; ++i) sender.Send("never begun");
  WaitForAll(*server, 8);
  std::thread stopping([&] { server->Stop(0ms); });
  while (server->counters().queued == 7) {
    // The handler is let go only after the grace has ended: Stop() then waits for it.
    std::this_thread::sleep_for(20ms);
    seen.Hold(false);
  }
  stopping.join();
  const UdpCounters counters = server->counters();
  EXPECT_EQ(counters.packets + counters.dropped_full, 8U);
  EXPECT_EQ(seen.packets.size(), counters.packets);
}

TEST(UdpServer, LeavesItsPortToNobodyElse) {
  Seen seen;
  const auto server = StartServer({}, seen);
  const auto second = UdpServer::Start({.port = server->port()}, [](const PacketBlock&) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message().find("address already in use"), std::string::npos);
  EXPECT_FALSE(UdpServer::Start({.host = "no such host"}, [](const PacketBlock&) {}).has_value());
}

TEST(UdpServer, SurvivesAHandlerThatThrows) {
  std::atomic<int> calls{0};
  auto server = UdpServer::Start({}, [&](const PacketBlock&) {
    ++calls;
    throw 1;
  });
  ASSERT_TRUE(server.has_value());
  Sender sender((*server)->port());
  sender.Send("a");
  while (calls < 1) std::this_thread::yield();
  sender.Send("b");
  while (calls < 2) std::this_thread::yield();
}

}  // namespace
}  // namespace tracestore::net
