#include "net/dual_server.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

#include "net/grpc_client.h"
#include "net/loopback_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;

constexpr char kEcho[] = "/test.Service/Echo";

HttpResponse Hello(const HttpRequest& request) {
  return HttpResponse::Text(200, request.method + " " + request.path + " " + request.body);
}

RawReply Echo(const RawRequest& request) {
  return RawReply::Ok(std::string(request.message) + " of " +
                      (request.peer.starts_with("127.0.0.1:") ? "loopback" : "nobody"));
}

std::unique_ptr<DualServer> StartServer(DualServerOptions options = {}) {
  auto server = DualServer::Start(std::move(options), Hello, {{kEcho, Echo}});
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

std::string Get(std::uint16_t port) {
  LoopbackClient client(port);
  EXPECT_TRUE(client.Send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"));
  return ReadAnswer(client).body;
}

GrpcCall Patient() {
  GrpcCall call;
  call.timeout = 20s;
  return call;
}

std::string CallEcho(std::uint16_t port, const std::string& message) {
  GrpcClientOptions options;
  options.port = port;
  auto client = GrpcClient::Make(options);
  EXPECT_TRUE(client.has_value());
  const RawReply reply = (*client)->Call(kEcho, message, Patient());
  return reply.code == GrpcCode::kOk ? reply.bytes : reply.message;
}

TEST(DualServer, AnswersBothProtocolsOnOnePort) {
  const auto server = StartServer();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Get(server->port()), "POST /x hi");
    EXPECT_EQ(CallEcho(server->port(), "a"), "a of loopback");
  }
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(CallEcho(server->port(), large), large + " of loopback");
}

TEST(DualServer, TakesARequestByteByByte) {
  const auto server = StartServer();
  LoopbackClient client(server->port());
  for (const char byte : std::string("PUT / HTTP/1.1\r\nHost: a\r\n\r\n"))
    ASSERT_TRUE(client.Send(std::string_view(&byte, 1)));
  EXPECT_EQ(ReadAnswer(client).body, "PUT / ");
}

// What begins like HTTP/2's preface and isn't it goes to HTTP, which says what is wrong with it.
TEST(DualServer, TellsMethodsThatBeginAlike) {
  const auto server = StartServer();
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.Send("PRINT / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(ReadAnswer(client).body, "PRINT / ");
  LoopbackClient broken(server->port());
  ASSERT_TRUE(broken.Send("PRI * HTTP/2.0\r\n\r\nnot the rest"));
  broken.EndSending();
  broken.ReadToEnd();  // ended, whatever it was told
  EXPECT_EQ(CallEcho(server->port(), "still"), "still of loopback");
}

TEST(DualServer, BearsGarbageAndHalfOpenConnections) {
  DualServerOptions options;
  options.first_bytes_timeout = 200ms;
  const auto server = StartServer(options);
  LoopbackClient silent(server->port());
  LoopbackClient half(server->port());
  ASSERT_TRUE(half.Send("PR"));
  LoopbackClient gone(server->port());
  gone.Close();
  for (const std::string& bytes :
       {std::string("\x00\x00\x00\x00", 4), std::string("\x16\x03\x01\xFF\xFF", 5),
        std::string(5000, '\xFF'), std::string("\r\n\r\n\r\n")}) {
    LoopbackClient garbage(server->port());
    garbage.Send(bytes);
    garbage.EndSending();
    garbage.ReadToEnd();
  }
  EXPECT_EQ(silent.ReadToEnd(), "");
  EXPECT_TRUE(silent.ended());
  half.ReadToEnd();
  EXPECT_EQ(Get(server->port()), "POST /x hi");
  EXPECT_EQ(CallEcho(server->port(), "a"), "a of loopback");
}

TEST(DualServer, ManySilentConnectionsKeepNobodyOut) {
  DualServerOptions options;
  options.max_waiting = 16;
  const auto server = StartServer(options);
  std::vector<LoopbackClient> silent;
  for (int i = 0; i < 300; ++i) silent.emplace_back(server->port());
  EXPECT_EQ(Get(server->port()), "POST /x hi");
  EXPECT_EQ(CallEcho(server->port(), "a"), "a of loopback");
}

TEST(DualServer, CapsConnectionsOfEachKind) {
  DualServerOptions options;
  options.grpc.max_connections = 1;
  options.http.max_connections = 2;
  const auto server = StartServer(options);
  GrpcClientOptions client_options;
  client_options.port = server->port();
  const auto client = GrpcClient::Make(client_options);
  ASSERT_TRUE(client.has_value());
  EXPECT_EQ((*client)->Call(kEcho, "1", Patient()).bytes, "1 of loopback");
  // A second connection of gRPC takes the place of the first, which is idle; HTTP's are others.
  LoopbackClient second(server->port());
  ASSERT_TRUE(second.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  for (int i = 0; i < 1000 && (*client)->state() == ConnectionState::kReady; ++i)
    std::this_thread::sleep_for(10ms);  // polls: the client sees the end of a connection by itself
  EXPECT_EQ(Get(server->port()), "POST /x hi");
  // And the other way round.
  EXPECT_EQ((*client)->Call(kEcho, "2", Patient()).bytes, "2 of loopback");
  second.ReadToEnd();
}

TEST(DualServer, StopLetsWhatIsInFlightEnd) {
  std::promise<void> began, go;
  std::shared_future<void> gate = go.get_future().share();
  auto started = DualServer::Start({}, Hello, {{kEcho, [&](const RawRequest&) {
                                                  began.set_value();
                                                  gate.wait();
                                                  return RawReply::Ok("late");
                                                }}});
  ASSERT_TRUE(started.has_value());
  const std::uint16_t port = (*started)->port();
  auto answer = std::async(std::launch::async, [port] { return CallEcho(port, "x"); });
  began.get_future().wait();
  std::jthread stopper([&] { (*started)->Stop(20s); });
  go.set_value();
  EXPECT_EQ(answer.get(), "late");
  stopper.join();
  EXPECT_FALSE(LoopbackClient(port).connected());
}

TEST(DualServer, SaysWhyItCannotListen) {
  const auto first = StartServer();
  DualServerOptions options;
  options.port = first->port();
  const auto second = DualServer::Start(std::move(options), Hello, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().message().substr(0, 27), "cannot listen on 127.0.0.1:");
}

}  // namespace
}  // namespace tracestore::net
