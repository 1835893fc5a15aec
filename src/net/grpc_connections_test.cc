// Which connection goes at the cap, and whose calls end it, on real sockets without gRPC.
#include "net/grpc_connections.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/listen.h"
#include "net/loopback_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class GrpcConnectionsTest : public testing::Test {
 protected:
  GrpcConnectionsTest()
      : listening_(std::move(ListenSocket::Open("127.0.0.1", 0)).value()),
        port_(listening_.port()),
        listener_(listening_.Release()) {}
  ~GrpcConnectionsTest() override {
    for (const Pair& pair : pairs_) close(pair.fd);
    close(listener_);
  }

  struct Pair {
    LoopbackClient client;
    int fd;  // the server's end
    std::string peer;
  };
  // A connection, by its number.
  std::size_t Connect() {
    LoopbackClient client(port_);
    int fd = -1;
    while (fd < 0) fd = accept(listener_, nullptr, nullptr);
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size);
    pairs_.push_back(
        {std::move(client), fd, "127.0.0.1:" + std::to_string(ntohs(address.sin_port))});
    return pairs_.size() - 1;
  }
  bool Add(GrpcConnections& connections) { return connections.Add(pairs_[Connect()].fd); }
  std::uint64_t Begin(GrpcConnections& connections, std::size_t number) {
    return connections.Begin(pairs_[number].peer);
  }
  // Whether the server's end is still open for reading.
  bool IsOpen(std::size_t number) const {
    char byte = 0;
    return recv(pairs_[number].fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
  }
  GrpcConnections Make(GrpcConnectionLimits limits) {
    return GrpcConnections(limits,
                           [this](std::string_view cause) { causes_.emplace_back(cause); });
  }

  std::vector<Pair> pairs_;
  std::vector<std::string> causes_;

 private:
  ListenSocket listening_;
  const std::uint16_t port_;
  const int listener_;
};

TEST_F(GrpcConnectionsTest, TheOneWithoutACallForLongestGoes) {
  GrpcConnections connections = Make({.connections = 3});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Add(connections));
  const std::uint64_t call = Begin(connections, 0);
  connections.End(Begin(connections, 1), false);
  ASSERT_TRUE(Add(connections));  // 2 has had none
  EXPECT_FALSE(IsOpen(2));
  ASSERT_TRUE(Add(connections));  // then 1
  EXPECT_FALSE(IsOpen(1));
  connections.End(call, false);
  EXPECT_TRUE(IsOpen(0) && IsOpen(3) && IsOpen(4));
  EXPECT_THAT(causes_, ElementsAre("idle-longest", "idle-longest"));
  EXPECT_EQ(connections.Count(), 5U);  // two are being closed
  close(pairs_[1].fd);
  close(pairs_[2].fd);
  EXPECT_EQ(connections.Count(), 3U);
  // A call of one that is gone changes nothing.
  EXPECT_EQ(Begin(connections, 1), 0U);
  connections.End(0, true);
}

TEST_F(GrpcConnectionsTest, NoneInUseGoesAndClosedOnesMakeRoom) {
  GrpcConnections connections = Make({.connections = 2});
  ASSERT_TRUE(Add(connections));
  ASSERT_TRUE(Add(connections));
  const std::uint64_t first = Begin(connections, 0), second = Begin(connections, 1);
  EXPECT_FALSE(Add(connections));
  EXPECT_TRUE(IsOpen(0) && IsOpen(1));
  close(pairs_[0].fd);  // as gRPC does, without a word
  EXPECT_TRUE(Add(connections));
  connections.End(first, false);
  connections.End(second, false);
  EXPECT_THAT(causes_, ElementsAre());
}

TEST_F(GrpcConnectionsTest, ClosingOnesAreBounded) {
  GrpcConnections connections = Make({.connections = 2});
  int taken = 0;
  for (int i = 0; i < 10; ++i) taken += Add(connections) ? 1 : 0;
  EXPECT_EQ(taken, 4);  // two open, two being closed: gRPC doesn't get round to it
  EXPECT_EQ(connections.Count(), 4U);
}

TEST_F(GrpcConnectionsTest, WhatIsNoCallsEndsAConnection) {
  GrpcConnections connections = Make({.idle_bytes = 1'000,
                                      .check_bytes = 0,
                                      .message_bytes = 50'000,
                                      .waiting_bytes = 80'000,
                                      .all_waiting_bytes = 200'000,
                                      .look_interval = 0ms});
  const auto send = [this](std::size_t number, std::size_t bytes) {
    ASSERT_TRUE(pairs_[number].client.Send(std::string(bytes, 'x')));
    std::string got(bytes, '\0');  // read, so that the kernel has counted it
    ASSERT_EQ(recv(pairs_[number].fd, got.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Add(connections));
  connections.Look();
  send(0, 1'000);
  connections.Look();
  EXPECT_TRUE(IsOpen(0));
  ASSERT_TRUE(pairs_[0].client.Send("x"));
  char last = 0;
  ASSERT_EQ(recv(pairs_[0].fd, &last, 1, MSG_PEEK), 1);
  connections.Look();
  EXPECT_TRUE(IsOpen(0));  // it was not read: it may be a call
  ASSERT_EQ(recv(pairs_[0].fd, &last, 1, 0), 1);
  connections.Look();
  EXPECT_FALSE(IsOpen(0));
  // A call waits for a message, two for two; but a connection for no more than it may.
  const std::uint64_t first = Begin(connections, 1);
  connections.Look();
  send(1, 51'000);
  connections.Look();
  EXPECT_TRUE(IsOpen(1));
  connections.Touch(first, true);  // it has come
  connections.Look();
  send(1, 51'000);
  connections.Look();
  EXPECT_TRUE(IsOpen(1));
  Begin(connections, 1);
  connections.Look();
  send(1, 81'001);
  connections.Look();
  EXPECT_FALSE(IsOpen(1));
  EXPECT_THAT(causes_, ElementsAre("no-messages", "no-messages"));
}

// A check of health a second adds up to nothing.
TEST_F(GrpcConnectionsTest, ALittleBetweenTwoLooksIsNoFlood) {
  GrpcConnections connections = Make({.idle_bytes = 1'000, .check_bytes = 64, .look_interval = 0ms});
  ASSERT_TRUE(Add(connections));
  connections.Look();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pairs_[0].client.Send(std::string(60, 'x')));
    std::string got(60, '\0');
    ASSERT_EQ(recv(pairs_[0].fd, got.data(), got.size(), MSG_WAITALL), 60);
    connections.Look();
  }
  EXPECT_TRUE(IsOpen(0));
}

TEST_F(GrpcConnectionsTest, OfAllTogetherTheGreatestGoes) {
  GrpcConnections connections = Make({.idle_bytes = 100'000,
                                      .check_bytes = 0,
                                      .all_waiting_bytes = 100'000,
                                      .look_interval = 0ms});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Add(connections));
  connections.Look();
  for (const std::size_t number : {0U, 1U, 2U}) {
    const std::size_t bytes = number == 1 ? 50'000 : 30'000;
    ASSERT_TRUE(pairs_[number].client.Send(std::string(bytes, 'x')));
    std::string got(bytes, '\0');
    ASSERT_EQ(recv(pairs_[number].fd, got.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
  }
  connections.Look();
  EXPECT_TRUE(IsOpen(0) && IsOpen(2));
  EXPECT_FALSE(IsOpen(1));
  connections.Look();
  EXPECT_TRUE(IsOpen(0) && IsOpen(2));
}

// While gRPC doesn't get round to a question: of whom it reads nothing more comes, and whoever has
// sent what takes it long is closed. The server reads through the sockets themselves, as gRPC does.
TEST_F(GrpcConnectionsTest, WhatIsReadOnAndOnIsPausedThenClosed) {
  std::shared_ptr<std::atomic<bool>> answered;
  GrpcConnections connections(
      {.look_interval = 0ms}, [this](std::string_view cause) { causes_.emplace_back(cause); },
      [&](std::shared_ptr<std::atomic<bool>> asked) { answered = std::move(asked); });
  const auto send = [this](std::size_t number, std::size_t bytes) {
    ASSERT_TRUE(pairs_[number].client.Send(std::string(bytes, 'x')));
  };
  const auto read = [this](std::size_t number, std::size_t bytes) {
    std::string got(bytes, '\0');
    ASSERT_EQ(recv(pairs_[number].fd, got.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
  };
  GrpcBacklog::Now now;
  const auto after = [&](std::chrono::milliseconds time) {
    now.wall += time;
    now.cpu += time;
    connections.Step(now);
  };
  enum : std::size_t { kSlow, kQuick, kUnread };
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Add(connections));
  after(20ms);
  ASSERT_NE(answered, nullptr);
  send(kSlow, 50'000);
  send(kQuick, 50'000);
  send(kUnread, 50'000);
  read(kSlow, 1'000);
  read(kQuick, 1'000);
  after(10ms);
  read(kSlow, 1'000);
  read(kQuick, 1'000);
  after(40ms);  // paused
  read(kSlow, 1'000);
  read(kQuick, 48'000);
  send(kQuick, 1);
  after(100ms);
  EXPECT_FALSE(IsOpen(kSlow));
  EXPECT_TRUE(IsOpen(kQuick) && IsOpen(kUnread));
  EXPECT_THAT(causes_, ElementsAre("calls-ahead"));
  char byte = 0;
  EXPECT_EQ(recv(pairs_[kQuick].fd, &byte, 1, MSG_DONTWAIT), -1);  // it did not come
  *answered = true;
  after(1ms);
  read(kQuick, 1);  // its client has sent it again
  read(kUnread, 50'000);
}

TEST_F(GrpcConnectionsTest, TooManyCallsEndAConnection) {
  GrpcConnections connections = Make({.connections = 2, .calls = 3});
  ASSERT_TRUE(Add(connections));
  ASSERT_TRUE(Add(connections));
  for (int i = 0; i < 3; ++i) Begin(connections, 0);
  ASSERT_TRUE(pairs_[0].client.Send(std::string(100'000, 'x')));
  char first = 0;  // what is there when it is closed
  ASSERT_EQ(recv(pairs_[0].fd, &first, 1, MSG_PEEK), 1);
  const std::uint64_t last = Begin(connections, 0);
  EXPECT_FALSE(IsOpen(0));  // nothing of it is left to read
  EXPECT_TRUE(IsOpen(1));
  connections.End(last, true);
  EXPECT_THAT(causes_, ElementsAre("too-many-calls"));
}

// Who may have many streams has them with messages.
TEST_F(GrpcConnectionsTest, ManyCallsAreForThoseWhoseMessagesCome) {
  GrpcConnections connections = Make({.calls = 10, .first_calls = 3});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Add(connections));
  for (int i = 0; i < 10; ++i) connections.Touch(Begin(connections, 0), i < 7);
  for (int i = 0; i < 3; ++i) connections.Touch(Begin(connections, 1), false);
  EXPECT_TRUE(IsOpen(0) && IsOpen(1));
  Begin(connections, 1);
  EXPECT_FALSE(IsOpen(1));
  for (int i = 0; i < 20; ++i) connections.Touch(1, true);
  Begin(connections, 0);
  EXPECT_FALSE(IsOpen(0));
  EXPECT_THAT(causes_, ElementsAre("too-many-calls", "too-many-calls"));
}

TEST_F(GrpcConnectionsTest, OfTooManyCallsOfAllTheBusiestEnds) {
  GrpcConnections connections = Make({.calls = 100, .all_calls = 6});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Add(connections));
  Begin(connections, 0);
  for (int i = 0; i < 3; ++i) Begin(connections, 1);
  Begin(connections, 2);
  connections.End(Begin(connections, 2), false);
  Begin(connections, 2);
  EXPECT_TRUE(IsOpen(0) && IsOpen(1) && IsOpen(2));
  Begin(connections, 0);
  EXPECT_TRUE(IsOpen(0) && IsOpen(2));
  EXPECT_FALSE(IsOpen(1));
  for (int i = 0; i < 2; ++i) Begin(connections, 0);  // what was closed counts no more
  EXPECT_TRUE(IsOpen(0) && IsOpen(2));
  EXPECT_THAT(causes_, ElementsAre("too-many-calls"));
}

TEST_F(GrpcConnectionsTest, CallsThatAreGivenUpEndAConnection) {
  GrpcConnections connections = Make({.given_up = 10});
  ASSERT_TRUE(Add(connections));
  // Half of them answered: an impatient client.
  for (int i = 0; i < 100; ++i) connections.End(Begin(connections, 0), i % 2 == 0);
  EXPECT_TRUE(IsOpen(0));
  for (int i = 0; i < 10; ++i) connections.End(Begin(connections, 0), true);
  EXPECT_FALSE(IsOpen(0));
  EXPECT_THAT(causes_, ElementsAre("given-up-calls"));
}

}  // namespace
}  // namespace tracestore::net
