// The client against our own server, and against sockets that misbehave.
#include "net/grpc_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <thread>

#include "net/grpc_server.h"
#include "net/listen.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr char kEcho[] = "/test.Service/Echo";

std::unique_ptr<GrpcServer> StartServer(RawHandler handler, GrpcServerOptions options = {}) {
  auto server = GrpcServer::Start(std::move(options), {{kEcho, std::move(handler)}});
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

RawReply Echo(const RawRequest& request) { return RawReply::Ok(std::string(request.message)); }

std::unique_ptr<GrpcClient> Client(std::uint16_t port, GrpcClientOptions options = {}) {
  options.port = port;
  auto client = GrpcClient::Make(std::move(options));
  EXPECT_TRUE(client.has_value()) << client.error().message();
  return std::move(client).value();
}

GrpcCall Within(std::chrono::milliseconds timeout) {
  GrpcCall call;
  call.timeout = timeout;
  return call;
}

TEST(GrpcClient, SendsBytesAndGetsBytes) {
  const auto server = StartServer(Echo);
  const auto client = Client(server->port());
  EXPECT_EQ(client->state(), ConnectionState::kIdle);
  EXPECT_TRUE(client->Connect(20s));
  EXPECT_EQ(client->state(), ConnectionState::kReady);
  for (const std::size_t size : {0u, 1u, 5000u, 3'000'000u}) {
    for (const bool gzip : {false, true}) {
      GrpcCall call = Within(20s);
      call.gzip = gzip;
      const std::string bytes(size, '\xFE');
      const RawReply reply = client->Call(kEcho, bytes, call);
      EXPECT_EQ(reply.code, GrpcCode::kOk) << reply.message;
      EXPECT_TRUE(reply.bytes == bytes) << size;
    }
  }
}

TEST(GrpcClient, SendsMetadataAndRefusesWhatIsNone) {
  const auto server = StartServer([](const RawRequest& request) {
    return RawReply::Ok(std::string(request.metadata("x-tenant").value_or("none")));
  });
  const auto client = Client(server->port());
  GrpcCall call = Within(20s);
  call.metadata = {{"x-tenant", "acme"}};
  EXPECT_EQ(client->Call(kEcho, "", call).bytes, "acme");
  for (const auto& bad : std::vector<std::pair<std::string, std::string>>{{"X-Tenant", "a"},
                                                                          {"", "a"},
                                                                          {"x-tenant", "a\nb"},
                                                                          {"x-tenant", "\xC3\xA9"},
                                                                          {"a b", ""}}) {
    call.metadata = {bad};
    EXPECT_EQ(client->Call(kEcho, "", call).code, GrpcCode::kInvalidArgument) << bad.first;
  }
}

TEST(GrpcClient, GivesTheServersStatusAndItsRetryDelay) {
  const auto server = StartServer([](const RawRequest&) {
    return RawReply::Retry(GrpcCode::kResourceExhausted, "full", 2500ms);
  });
  const auto client = Client(server->port());
  const RawReply reply = client->Call(kEcho, "", Within(20s));
  EXPECT_EQ(reply.code, GrpcCode::kResourceExhausted);
  EXPECT_EQ(reply.message, "full");
  EXPECT_EQ(RetryAfter(reply.details), 2500ms);
  EXPECT_EQ(client->Call("/no.Such/Method", "", Within(20s)).code, GrpcCode::kUnimplemented);
  const auto error = BytesOf(reply).error();
  EXPECT_EQ(error.code(), ErrorCode::kBusy);
  EXPECT_EQ(error.message(), "RESOURCE_EXHAUSTED: full");
}

TEST(GrpcClient, SaysAtOnceThatNobodyListens) {
  std::uint16_t port = 0;
  {
    auto free = ListenSocket::Open("127.0.0.1", 0);
    ASSERT_TRUE(free.has_value());
    port = free->port();
  }
  const auto client = Client(port);
  const RawReply reply = client->Call(kEcho, "", Within(20s));
  EXPECT_EQ(reply.code, GrpcCode::kUnavailable);
  EXPECT_FALSE(client->Connect(1ms));
  GrpcCall waits = Within(50ms);
  waits.wait_for_ready = true;
  EXPECT_EQ(client->Call(kEcho, "", waits).code, GrpcCode::kDeadlineExceeded);
}

TEST(GrpcClient, ConnectsAgainToAServerThatCameBack) {
  GrpcServerOptions options;
  auto server = StartServer(Echo, options);
  GrpcClientOptions client_options;
  client_options.reconnect_after = 10ms;
  client_options.reconnect_at_most = 100ms;
  const auto client = Client(server->port(), client_options);
  EXPECT_EQ(client->Call(kEcho, "one", Within(20s)).bytes, "one");
  options.port = server->port();
  server.reset();
  EXPECT_EQ(client->Call(kEcho, "lost", Within(20s)).code, GrpcCode::kUnavailable);
  server = StartServer(Echo, options);
  GrpcCall waits = Within(20s);
  waits.wait_for_ready = true;
  EXPECT_EQ(client->Call(kEcho, "two", waits).bytes, "two");
}

TEST(GrpcClient, EndsACallThatIsStopped) {
  std::latch entered(1);
  const auto server = StartServer([&](const RawRequest& request) {
    std::promise<void> stopped;
    const std::stop_callback callback(request.stop, [&] { stopped.set_value(); });
    entered.count_down();
    stopped.get_future().wait();
    return Echo(request);
  });
  const auto client = Client(server->port());
  std::stop_source stop;
  GrpcCall call = Within(60s);
  call.stop = stop.get_token();
  auto running = std::async(std::launch::async, [&] { return client->Call(kEcho, "x", call); });
  entered.wait();
  stop.request_stop();
  EXPECT_EQ(running.get().code, GrpcCode::kCancelled);
  EXPECT_EQ(client->Call(kEcho, "x", call).code, GrpcCode::kCancelled);  // asked before it began
}

TEST(GrpcClient, EndsWhatIsInFlightWhenItGoes) {
  std::latch entered(1);
  const auto server = StartServer([&](const RawRequest& request) {
    std::promise<void> stopped;
    const std::stop_callback callback(request.stop, [&] { stopped.set_value(); });
    entered.count_down();
    stopped.get_future().wait();
    return Echo(request);
  });
  auto client = Client(server->port());
  std::atomic<int> code = -1;
  client->CallAsync(kEcho, "x", Within(60s),
                    [&](const RawReply& reply) { code = static_cast<int>(reply.code); });
  entered.wait();
  client.reset();
  EXPECT_EQ(code, static_cast<int>(GrpcCode::kCancelled));
}

TEST(GrpcClient, BoundsTheReply) {
  const auto server =
      StartServer([](const RawRequest&) { return RawReply::Ok(std::string(200'000, 'x')); });
  GrpcClientOptions options;
  options.max_message_bytes = 100'000;
  EXPECT_EQ(Client(server->port(), options)->Call(kEcho, "", Within(20s)).code,
            GrpcCode::kResourceExhausted);
}

TEST(GrpcClient, RunsManyCallsAtATime) {
  GrpcServerOptions options;
  options.worker_threads = 8;
  std::latch together(8);
  const auto server = StartServer(
      [&](const RawRequest& request) {
        together.arrive_and_wait();
        return Echo(request);
      },
      options);
  const auto client = Client(server->port());
  std::vector<std::future<RawReply>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(std::async(std::launch::async, [&, i] {
      return client->Call(kEcho, std::to_string(i), Within(20s));
    }));
  }
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(calls[static_cast<std::size_t>(i)].get().bytes, std::to_string(i));
}

TEST(GrpcClient, NeedsAnAddress) {
  GrpcClientOptions options;
  const auto client = GrpcClient::Make(options);
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().message(), "cannot call 127.0.0.1:0: a host and a port are needed");
}

TEST(RetryAfter, ReadsOnlyWhatIsWhole) {
  const std::string whole = EncodeRetryStatus(GrpcCode::kUnavailable, "away", 90'061ms);
  EXPECT_EQ(RetryAfter(whole), 90'061ms);
  EXPECT_EQ(RetryAfter(EncodeRetryStatus(GrpcCode::kUnavailable, "", 0ms)), 0ms);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto delay = RetryAfter(whole.substr(0, cut));
    EXPECT_FALSE(delay.has_value()) << cut;
  }
  for (int bit = 0; bit < static_cast<int>(whole.size()) * 8; ++bit) {
    std::string flipped = whole;
    flipped[static_cast<std::size_t>(bit / 8)] =
        static_cast<char>(flipped[static_cast<std::size_t>(bit / 8)] ^ (1 << bit % 8));
    EXPECT_LE(RetryAfter(flipped).value_or(0ms), 24h + 1s);
  }
}

}  // namespace
}  // namespace tracestore::net
