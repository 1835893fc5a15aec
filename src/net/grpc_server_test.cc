// Raw gRPC methods, called by gRPC's own generic client.
#include "net/grpc_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <mutex>
#include <thread>

#include "net/grpc_test_client.h"
#include "net/loopback_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using Client = GrpcTestClient;
using Answer = GrpcTestClient::Answer;

constexpr char kEcho[] = "/test.Service/Echo";

RawReply Echo(const RawRequest& request) { return RawReply::Ok(std::string(request.message)); }

std::unique_ptr<GrpcServer> StartServer(RawHandler handler = Echo, GrpcServerOptions options = {}) {
  auto server = GrpcServer::Start(std::move(options), {{kEcho, std::move(handler)}});
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

TEST(GrpcServer, GivesBytesAndTakesBytes) {
  const auto server = StartServer();
  Client client(server->port());
  for (const std::size_t size : {0u, 1u, 5000u, 3'000'000u}) {
    const std::string bytes(size, '\xFE');
    const auto answer = client.Call(kEcho, bytes);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_TRUE(answer.bytes == bytes) << size;
  }
}

TEST(GrpcServer, PassesMethodPeerAndMetadata) {
  const auto server = StartServer([](const RawRequest& request) {
    return RawReply::Ok(std::string(request.method) + "|" + std::string(request.peer) + "|" +
                        std::string(request.metadata("x-tenant").value_or("none")) + "|" +
                        std::string(request.metadata("x-other").value_or("none")));
  });
  Client client(server->port());
  grpc::ClientContext context;
  context.AddMetadata("x-tenant", "acme");
  const auto answer = client.Call(context, kEcho, "");
  EXPECT_THAT(answer.bytes, StartsWith(std::string(kEcho) + "|127.0.0.1:"));
  EXPECT_THAT(answer.bytes, testing::EndsWith("|acme|none"));
}

TEST(GrpcServer, SendsStatusAndRetryInfo) {
  const auto server = StartServer([](const RawRequest& request) -> RawReply {
    if (request.message == "throw") throw std::runtime_error("oops");
    if (request.message == "bad") return RawReply::Fail(GrpcCode::kInvalidArgument, "bad span");
    return RawReply::Retry(GrpcCode::kResourceExhausted, "queue full", 2500ms);
  });
  Client client(server->port());
  EXPECT_EQ(client.Call(kEcho, "throw").status.error_message(), "internal error: oops");
  const auto bad = client.Call(kEcho, "bad").status;
  EXPECT_EQ(bad.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(bad.error_details(), "");
  const auto full = client.Call(kEcho, "").status;
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(full.error_message(), "queue full");
  // google.rpc.Status{8, "queue full", Any{type_url, RetryInfo{Duration{2, 500000000}}}}
  const std::string retry_info("\x0A\x08\x08\x02\x10\x80\xCA\xB5\xEE\x01", 10);
  const std::string any = "\x0A\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0A" + retry_info;
  EXPECT_EQ(full.error_details(), "\x08\x08\x12\x0Aqueue full\x1A" +
                                      std::string(1, static_cast<char>(any.size())) + any);
}

TEST(GrpcServer, KnowsOnlyItsMethods) {
  const auto server = StartServer();
  Client client(server->port());
  const auto status = client.Call("/test.Service/Other", "x").status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(status.error_message(), "unknown method /test.Service/Other");
  EXPECT_EQ(client.Call("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "")
                .status.error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST(GrpcServer, AnswersHealthChecks) {
  const auto server = StartServer();
  Client client(server->port());
  EXPECT_EQ(client.Call("/grpc.health.v1.Health/Check", "").bytes, "\x08\x01");  // SERVING
}

TEST(GrpcServer, RefusesMessagesOverTheLimit) {
  GrpcServerOptions options;
  options.max_message_bytes = 100'000;
  const auto server = StartServer(Echo, options);
  Client client(server->port());
  EXPECT_TRUE(client.Call(kEcho, std::string(100'000, 'x')).status.ok());
  EXPECT_EQ(client.Call(kEcho, std::string(100'001, 'x')).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(client.Call(kEcho, "still here").status.ok());
}

TEST(GrpcServer, DecompressesWithinTheLimit) {
  GrpcServerOptions options;
  options.max_message_bytes = 100'000;
  const auto server = StartServer(Echo, options);
  for (const auto packing : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    Client client(server->port(), packing);
    const auto whole = client.Call(kEcho, std::string(100'000, 'x'));
    EXPECT_TRUE(whole.status.ok()) << whole.status.error_message();
    EXPECT_TRUE(whole.bytes == std::string(100'000, 'x'));
    EXPECT_EQ(client.Call(kEcho, "tiny").bytes, "tiny");
    const auto bomb = client.Call(kEcho, std::string(20'000'000, '\0')).status;
    EXPECT_EQ(bomb.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(bomb.error_message(),
              "the decompressed body is larger than the limit of 100000 bytes");
  }
}

TEST(GrpcServer, TellsWhatItRefused) {
  std::mutex mutex;
  std::vector<std::string> told;
  GrpcServerOptions options;
  options.max_message_bytes = 100'000;
  options.client_streams = {"/test.Service/Many"};
  options.peer_timeout = 500ms;
  options.on_refused = [&](std::string_view cause) {
    const std::lock_guard lock(mutex);
    told.emplace_back(cause);
  };
  auto server = GrpcServer::Start(options, {{kEcho, Echo}, {"/test.Service/Many", Echo}});
  ASSERT_TRUE(server.has_value());
  Client client((*server)->port());
  const auto long_one = client.Call(kEcho, std::string(100'001, 'x')).status;
  EXPECT_EQ(long_one.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(long_one.error_message(),
            "SERVER: Received message larger than max (100001 vs. 100000)");
  Client packing((*server)->port(), GRPC_COMPRESS_GZIP);
  EXPECT_FALSE(packing.Call(kEcho, std::string(20'000'000, '\0')).status.ok());
  GrpcTestStream many(client, "/test.Service/Many");
  EXPECT_TRUE(many.Write("one"));
  EXPECT_TRUE(many.Write(std::string(100'001, 'x')));
  EXPECT_EQ(many.End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  GrpcTestStream silent(client, kEcho);
  EXPECT_FALSE(silent.End().ok());
  (*server)->Stop(20s);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(told, testing::ElementsAre("too-long", "too-long", "too-long", "too-slow"));
}

TEST(GrpcServer, BoundsWhatIsInFlight) {
  GrpcServerOptions options;
  options.worker_threads = 1;
  options.max_calls_in_flight = 2;
  options.max_bytes_in_flight = 1000;
  std::latch entered(1);
  std::latch leave(1);
  std::atomic<bool> first = true;
  const auto server = StartServer(
      [&](const RawRequest& request) {
        if (first.exchange(false)) {
          entered.count_down();
          leave.wait();
        }
        return Echo(request);
      },
      options);
  Client client(server->port());
  auto held = std::async(std::launch::async, [&] { return client.Call(kEcho, "held"); });
  entered.wait();
  const auto too_much = client.Call(kEcho, std::string(1000, 'x')).status;
  EXPECT_EQ(too_much.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(too_much.error_details(), HasSubstr("google.rpc.RetryInfo"));
  // Three more for one free place: whichever comes third is refused, so at least two are not held.
  std::vector<std::future<Answer>> more;
  for (int i = 0; i < 3; ++i) {
    more.push_back(std::async(std::launch::async, [&] { return client.Call(kEcho, "more"); }));
  }
  std::size_t refused = 0;
  while (refused < 2) {
    for (auto& call : more) {
      if (!call.valid() || call.wait_for(1ms) != std::future_status::ready) continue;
      EXPECT_EQ(call.get().status.error_message(), "too many calls in flight");
      ++refused;
    }
  }
  leave.count_down();
  EXPECT_EQ(held.get().bytes, "held");
  for (auto& call : more) {
    if (!call.valid()) continue;
    const auto answer = call.get();  // refused as well if the call before it had not quite ended
    if (answer.status.ok()) {
      EXPECT_EQ(answer.bytes, "more");
    } else {
      EXPECT_EQ(answer.status.error_message(), "too many calls in flight");
    }
  }
}

TEST(GrpcServer, ManyBlockingCallsDoNotHoldUpTheTransport) {
  GrpcServerOptions options;
  options.worker_threads = 16;
  std::latch together(16);
  const auto server = StartServer(
      [&](const RawRequest& request) {
        together.arrive_and_wait();  // only works if all sixteen run at once
        return Echo(request);
      },
      options);
  Client client(server->port());
  std::vector<std::future<Answer>> calls;
  for (int i = 0; i < 16; ++i) {
    calls.push_back(std::async(std::launch::async, [&] { return client.Call(kEcho, "x"); }));
  }
  for (auto& call : calls) EXPECT_EQ(call.get().bytes, "x");
}

TEST(GrpcServer, TellsTheHandlerThatTheClientGaveUp) {
  std::promise<void> asked;
  const auto server = StartServer([&](const RawRequest& request) {
    std::promise<void> stop;
    const std::stop_callback callback(request.stop, [&] { stop.set_value(); });
    stop.get_future().wait();
    asked.set_value();
    return Echo(request);
  });
  Client client(server->port());
  client.deadline = 1s;
  EXPECT_EQ(client.Call(kEcho, "x").status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(asked.get_future().wait_for(20s), std::future_status::ready);
}

TEST(GrpcServer, StopLetsACallInFlightEnd) {
  std::latch entered(1);
  std::latch leave(1);
  const auto server = StartServer([&](const RawRequest& request) {
    entered.count_down();
    leave.wait();
    return Echo(request);
  });
  Client client(server->port());
  auto call = std::async(std::launch::async, [&] { return client.Call(kEcho, "kept"); });
  entered.wait();
  std::jthread stopper([&] { server->Stop(30s); });
  leave.count_down();
  EXPECT_EQ(call.get().bytes, "kept");
  stopper.join();
  server->Stop(0s);
}

TEST(GrpcServer, StopCancelsAfterTheGrace) {
  std::latch entered(1);
  const auto server = StartServer([&](const RawRequest& request) {
    std::promise<void> stop;
    const std::stop_callback callback(request.stop, [&] { stop.set_value(); });
    entered.count_down();
    stop.get_future().wait();
    return Echo(request);
  });
  Client client(server->port());
  auto call = std::async(std::launch::async, [&] { return client.Call(kEcho, "x"); });
  entered.wait();
  server->Stop(1ms);
  EXPECT_FALSE(call.get().status.ok());
}

TEST(GrpcServer, SurvivesGarbage) {
  const auto server = StartServer();
  for (const char* sent :
       {"GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxxxx"}) {
    LoopbackClient garbage(server->port());
    garbage.Send(sent);
    garbage.EndSending();
    garbage.ReadToEnd();
  }
  EXPECT_EQ(Client(server->port()).Call(kEcho, "x").bytes, "x");
}

TEST(GrpcServer, SaysWhoMayHaveThePort) {
  const auto server = StartServer();
  GrpcServerOptions options;
  options.port = server->port();
  const auto second = GrpcServer::Start(options, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kIo);
  EXPECT_EQ(second.error().message(),
            "cannot listen on 127.0.0.1:" + std::to_string(server->port()) +
                ": address already in use (is another tracestore or Jaeger running?)");
}

TEST(GrpcServer, ListensOnAllInterfacesAndOnANamedPort) {
  GrpcServerOptions options;
  options.host = "";
  auto server = StartServer([](const RawRequest& r) { return RawReply::Ok(std::string(r.peer)); },
                            options);
  EXPECT_THAT(Client(server->port()).Call(kEcho, "").bytes, StartsWith("127.0.0.1:"));
  options.port = server->port();
  server.reset();
  server = StartServer(Echo, options);
  EXPECT_EQ(server->port(), options.port);
}

}  // namespace
}  // namespace tracestore::net
