#include "net/framed_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "net/loopback_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;

std::string Framed(std::string_view bytes) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(bytes.size() >> shift));
  return out + std::string(bytes);
}

// Echoes; "none" has no answer, "end" ends the connection, "throw" throws.
std::optional<std::string> Echo(std::string_view frame, std::string_view) {
  if (frame == "none") return "";
  if (frame == "end") return std::nullopt;
  if (frame == "throw") throw std::runtime_error("no");
  return std::string(frame);
}

struct Fixture {
  explicit Fixture(FramedServerOptions options = {}, FrameHandler handler = Echo) {
    auto started = FramedServer::Start(
        std::move(options), std::move(handler),
        [this](FrameProblem problem) { ++problems[static_cast<std::size_t>(problem)]; });
    EXPECT_TRUE(started.has_value());
    server = std::move(started).value();
  }
  std::array<std::atomic<int>, 4> problems{};
  std::unique_ptr<FramedServer> server;
  int Of(FrameProblem problem) const { return problems[static_cast<std::size_t>(problem)]; }
};

TEST(FramedServer, AnswersEachFrameOfAConnectionInTurn) {
  Fixture fixture;
  LoopbackClient client(fixture.server->port());
  const std::string large(300'000, 'x');
  ASSERT_TRUE(client.Send(Framed("a") + Framed("none") + Framed("") + Framed("bc")));
  EXPECT_EQ(client.ReadBytes(5), Framed("a"));
  // An empty frame's echo is empty: no answer.
  EXPECT_EQ(client.ReadBytes(6), Framed("bc"));
  ASSERT_TRUE(client.Send(Framed(large)));
  EXPECT_EQ(client.ReadBytes(large.size() + 4), Framed(large));
}

TEST(FramedServer, TakesAFrameByteByByte) {
  Fixture fixture;
  LoopbackClient client(fixture.server->port());
  for (const char byte : Framed("slow")) ASSERT_TRUE(client.Send(std::string_view(&byte, 1)));
  EXPECT_EQ(client.ReadBytes(8), Framed("slow"));
}

TEST(FramedServer, EndsTheConnectionWhenTheHandlerSaysSo) {
  Fixture fixture;
  for (const char* message : {"end", "throw"}) {
    LoopbackClient client(fixture.server->port());
    ASSERT_TRUE(client.Send(Framed(message)));
    EXPECT_EQ(client.ReadToEnd(), "");
    EXPECT_TRUE(client.ended());
  }
}

TEST(FramedServer, TakesNoMemoryForALengthThatIsOnlyAnnounced) {
  FramedServerOptions options;
  options.max_frame_bytes = 1000;
  Fixture fixture(options);
  for (const std::string& head :
       {std::string("\x40\0\0\0", 4), std::string("\xFF\xFF\xFF\xFF", 4)}) {
    LoopbackClient client(fixture.server->port());
    ASSERT_TRUE(client.Send(head));
    EXPECT_EQ(client.ReadToEnd(), "");
  }
  EXPECT_EQ(fixture.Of(FrameProblem::kTooLong), 2);
  LoopbackClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(Framed(std::string(1000, 'x'))));
  EXPECT_EQ(client.ReadBytes(1004).size(), 1004U);
}

TEST(FramedServer, EndsSlowSenders) {
  FramedServerOptions options;
  options.read_timeout = 50ms;
  Fixture fixture(options);
  LoopbackClient half(fixture.server->port());
  ASSERT_TRUE(half.Send(Framed("never whole").substr(0, 7)));
  LoopbackClient length(fixture.server->port());
  ASSERT_TRUE(length.Send(std::string("\0\0", 2)));
  EXPECT_EQ(half.ReadToEnd(), "");
  EXPECT_EQ(length.ReadToEnd(), "");
  fixture.server->Stop(20s);  // they are closed a moment before they are told of
  EXPECT_EQ(fixture.Of(FrameProblem::kTooSlow), 2);
}

TEST(FramedServer, EndsIdleConnectionsWithoutBlame) {
  FramedServerOptions options;
  options.idle_timeout = 50ms;
  Fixture fixture(options);
  LoopbackClient idle(fixture.server->port());
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_TRUE(idle.ended());
  fixture.server->Stop(20s);
  EXPECT_EQ(fixture.Of(FrameProblem::kTooSlow), 0);
}

TEST(FramedServer, BoundsConnections) {
  FramedServerOptions options;
  options.max_connections = 2;
  Fixture fixture(options);
  LoopbackClient first(fixture.server->port());
  LoopbackClient second(fixture.server->port());
  for (LoopbackClient* client : {&first, &second}) {
    ASSERT_TRUE(client->Send(Framed("x")));
    EXPECT_EQ(client->ReadBytes(5), Framed("x"));  // the server has taken it
  }
  LoopbackClient third(fixture.server->port());
  EXPECT_EQ(first.ReadToEnd(), "");  // it has waited longest
  EXPECT_EQ(fixture.Of(FrameProblem::kTooManyConnections), 1);
  for (LoopbackClient* client : {&third, &second}) {
    ASSERT_TRUE(client->Send(Framed("y")));
    EXPECT_EQ(client->ReadBytes(5), Framed("y"));
  }
}

TEST(FramedServer, SilentConnectionsKeepNobodyOut) {
  FramedServerOptions options;
  options.max_connections = 4;
  Fixture fixture(options);
  std::vector<std::unique_ptr<LoopbackClient>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<LoopbackClient>(fixture.server->port()));
    LoopbackClient client(fixture.server->port());
    ASSERT_TRUE(client.Send(Framed("x")));
    EXPECT_EQ(client.ReadBytes(5), Framed("x"));
  }
}

TEST(FramedServer, RefusesAtTheCapWhenAllAreBusy) {
  std::promise<void> began, go;
  FramedServerOptions options;
  options.max_connections = 1;
  Fixture fixture(options, [&](std::string_view frame, std::string_view) {
    began.set_value();
    go.get_future().wait();
    return std::optional<std::string>(frame);
  });
  LoopbackClient first(fixture.server->port());
  ASSERT_TRUE(first.Send(Framed("x")));
  began.get_future().wait();
  LoopbackClient second(fixture.server->port());
  EXPECT_EQ(second.ReadToEnd(), "");
  EXPECT_EQ(fixture.Of(FrameProblem::kTooManyConnections), 1);
  go.set_value();
  EXPECT_EQ(first.ReadBytes(5), Framed("x"));
}

TEST(FramedServer, BoundsBytesInFlight) {
  std::promise<void> began, go;
  FramedServerOptions options;
  options.max_frame_bytes = 100'000;
  options.max_bytes_in_flight = 100'000;
  Fixture fixture(options, [&](std::string_view frame, std::string_view) {
    began.set_value();
    go.get_future().wait();
    return std::optional<std::string>(frame.substr(0, 1));
  });
  LoopbackClient first(fixture.server->port());
  ASSERT_TRUE(first.Send(Framed(std::string(90'000, 'a'))));
  began.get_future().wait();
  LoopbackClient second(fixture.server->port());
  second.Send(Framed(std::string(50'000, 'b')));
  EXPECT_EQ(second.ReadToEnd(), "");
  EXPECT_EQ(fixture.Of(FrameProblem::kNoRoom), 1);
  go.set_value();
  EXPECT_EQ(first.ReadBytes(5), Framed("a"));
}

TEST(FramedServer, ClosesASlowMessageForANewOne) {
  FramedServerOptions options;
  options.max_frame_bytes = 100'000;
  options.max_bytes_in_flight = 120'000;
  options.read_timeout = 600s;
  Fixture fixture(options);
  LoopbackClient slow(fixture.server->port());
  ASSERT_TRUE(slow.Send(Framed("x")));
  EXPECT_EQ(slow.ReadBytes(5), Framed("x"));
  ASSERT_TRUE(slow.Send(Framed(std::string(100'000, 'a')).substr(0, 10)));
  const std::string whole = Framed(std::string(100'000, 'b'));
  std::string answer;
  for (const auto until = std::chrono::steady_clock::now() + 20s;
       answer != whole && std::chrono::steady_clock::now() < until;) {
    LoopbackClient client(fixture.server->port());
    client.Send(whole);
    answer = client.ReadBytes(whole.size());
    slow.Send("a");  // a byte at a time is no pace
  }
  EXPECT_EQ(answer.size(), whole.size());
  slow.ReadToEnd();
  EXPECT_TRUE(slow.ended());
  EXPECT_EQ(fixture.Of(FrameProblem::kTooSlow), 1);
}

TEST(FramedServer, ACrowdThatSaysHalfAFrameMakesRoom) {
  FramedServerOptions options;
  options.max_connections = 10;
  Fixture fixture(options);
  std::vector<std::unique_ptr<LoopbackClient>> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.push_back(std::make_unique<LoopbackClient>(fixture.server->port()));
    ASSERT_TRUE(crowd.back()->Send(Framed("never whole").substr(0, i % 2 == 0 ? 2 : 8)));
    if (i % 20 != 19) continue;
    LoopbackClient client(fixture.server->port());
    ASSERT_TRUE(client.Send(Framed("x")));
    EXPECT_EQ(client.ReadBytes(5), Framed("x")) << i;
  }
  EXPECT_EQ(crowd.front()->ReadToEnd(), "");
}

TEST(FramedServer, StopLetsWhatIsInFlightEnd) {
  std::promise<void> began, go;
  Fixture fixture({}, [&](std::string_view frame, std::string_view) {
    began.set_value();
    go.get_future().wait();
    return std::optional<std::string>(frame);
  });
  LoopbackClient idle(fixture.server->port());
  LoopbackClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(Framed("last")));
  began.get_future().wait();
  std::jthread stopper([&] { fixture.server->Stop(20s); });
  EXPECT_EQ(idle.ReadToEnd(), "");  // closed at once
  go.set_value();
  EXPECT_EQ(client.ReadBytes(8), Framed("last"));
  stopper.join();
  EXPECT_EQ(fixture.server->connections(), 0U);
  EXPECT_FALSE(LoopbackClient(fixture.server->port()).connected());
}

}  // namespace
}  // namespace tracestore::net
