// HTTP/2 in plain over a port of HTTP and gRPC: the same handler, and the limits of HttpServer.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/dual_server.h"
#include "net/first_bytes.h"
#include "net/grpc_client.h"
#include "net/http2_first_request.h"
#include "net/http2_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;

constexpr char kEcho[] = "/test.Service/Echo";

HttpResponse Told(const HttpRequest& request) {
  return HttpResponse::Text(200, request.method + " " + request.path + " " + request.body);
}

std::unique_ptr<DualServer> StartServer(DualServerOptions options = {},
                                        HttpHandler handler = Told) {
  const auto echo = [](const RawRequest& request) {
    return RawReply::Ok(std::string(request.message));
  };
  auto server = DualServer::Start(std::move(options), std::move(handler), {{kEcho, echo}});
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

std::string CallEcho(std::uint16_t port, const std::string& message) {
  GrpcClientOptions options;
  options.port = port;
  auto client = GrpcClient::Make(options);
  GrpcCall call;
  call.timeout = 20s;
  const RawReply reply = (*client)->Call(kEcho, message, call);
  return reply.code == GrpcCode::kOk ? reply.bytes : reply.message;
}

TEST(Http2Server, AnswersAsOverHttp1) {
  const auto server = StartServer({}, [](const HttpRequest& request) {
    HttpResponse response = Told(request);
    response.body += std::string(" ") + std::string(request.header("Host")) + " " +
                     std::string(request.header("X-More")) +
                     (request.peer.starts_with("127.0.0.1:") ? " loopback" : "");
    response.headers.emplace_back("X-Answer", "yes");
    return response;
  });
  for (const bool patient : {false, true}) {
    Http2TestClient client(server->port(), patient);
    for (int i = 0; i < 3; ++i) {
      const auto answer = client.Await(client.Ask(
          "POST", "/a%20b?c=d", "hi", {{"content-type", "text/plain"}, {"x-more", "1"}}));
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.error, 0U);
      EXPECT_EQ(answer.body, "POST /a b hi test 1 loopback");
      EXPECT_EQ(answer.Field("content-length"), std::to_string(answer.body.size()));
      EXPECT_EQ(answer.Field("x-answer"), "yes");
      EXPECT_EQ(answer.Field("connection"), "");
      EXPECT_NE(answer.Field("date"), "");
    }
    const auto head = client.Await(client.Ask("HEAD", "/"));
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.body, "");
  }
  EXPECT_EQ(CallEcho(server->port(), "still"), "still");
}

TEST(Http2Server, AnswersRequestsAtATimeAndOutOfTheirOrder) {
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();
  const auto server = StartServer({}, [gate](const HttpRequest& request) {
    if (request.path == "/slow") gate.wait();
    return Told(request);
  });
  Http2TestClient client(server->port());
  const auto slow = client.Ask("GET", "/slow");
  const auto quick = client.Ask("GET", "/quick");
  EXPECT_EQ(client.Await(quick).body, "GET /quick ");
  EXPECT_FALSE(client.answer(slow).ended);
  go.set_value();
  EXPECT_EQ(client.Await(slow).body, "GET /slow ");
}

TEST(Http2Server, TakesAndGivesLongBodies) {
  const auto server = StartServer();
  Http2TestClient client(server->port());
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(client.Await(client.Ask("POST", "/", large)).body, "POST / " + large);
  EXPECT_EQ(
      client
          .Await(client.Ask("POST", "/", large, {{"content-length", std::to_string(large.size())}}))
          .body,
      "POST / " + large);
}

TEST(Http2Server, StreamsAnswersAndBreaksOffThoseThatFail) {
  const auto server = StartServer({}, [](const HttpRequest& request) {
    HttpResponse response;
    const auto left = std::make_shared<int>(40);
    const bool fails = request.path == "/fails";
    response.stream = [left, fails](std::string& chunk) -> Result<bool> {
      if (fails && *left == 10) return Error(ErrorCode::kIo, "broken");
      chunk.assign(100'000, static_cast<char>('a' + *left % 26));
      return --*left > 0;
    };
    return response;
  });
  Http2TestClient client(server->port());
  const auto answer = client.Get("/");
  EXPECT_EQ(answer.error, 0U);
  EXPECT_EQ(answer.body.size(), 4'000'000U);
  EXPECT_EQ(answer.body.back(), 'b');
  const auto broken = client.Get("/fails");
  EXPECT_EQ(broken.status, 200);
  EXPECT_EQ(broken.error, static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_LT(broken.body.size(), 4'000'000U);
  EXPECT_EQ(client.Get("/").body.size(), 4'000'000U);  // the others go on
}

TEST(Http2Server, RefusesWhatIsTooMuch) {
  DualServerOptions options;
  options.http.max_body_bytes = 100'000;
  options.http.max_body_bytes_in_flight = 150'000;
  options.http.max_header_bytes = 4096;
  const auto server = StartServer(std::move(options));
  Http2TestClient client(server->port());
  EXPECT_EQ(client.Await(client.Ask("POST", "/", std::string(100'001, 'x'))).status, 413);
  const NamedValues long_one = {{"content-length", "100001"}};
  EXPECT_EQ(client.Await(client.Ask("POST", "/", "x", long_one, false)).status, 413);
  EXPECT_EQ(client.Await(client.Ask("GET", "/", "", {{"a", std::string(5000, 'x')}})).status, 431);
  EXPECT_EQ(client.Await(client.Ask("POST", "/", "x", {{"expect", "more"}}, false)).status, 417);
  const auto first = client.Ask("POST", "/", std::string(90'000, 'x'), {}, false);
  const auto second = client.Await(client.Ask("POST", "/", std::string(90'000, 'x')));
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(second.Field("retry-after"), "1");
  client.Reset(first);
  EXPECT_EQ(client.Await(client.Ask("POST", "/", std::string(90'000, 'x'))).status, 200);
}

TEST(Http2Server, TheGateComesBeforeTheHandler) {
  DualServerOptions options;
  options.http.gate = [](HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.header("Authorization") == "yes") return std::nullopt;
    return HttpResponse::Text(401, "no\n");
  };
  const auto server = StartServer(std::move(options));
  Http2TestClient client(server->port());
  EXPECT_EQ(client.Get("/").status, 401);
  EXPECT_EQ(client.Await(client.Ask("GET", "/", "", {{"authorization", "yes"}})).status, 200);
}

TEST(Http2Server, EndsWhatKeepsItWaiting) {
  DualServerOptions options;
  options.http.read_timeout = 200ms;
  options.http.write_timeout = 200ms;
  options.http.idle_timeout = 600ms;
  const auto server = StartServer(std::move(options), [](const HttpRequest& request) {
    return HttpResponse::Text(200, request.path == "/long" ? std::string(1'000'000, 'x') : "");
  });
  Http2TestClient client(server->port(), false, 1000);
  const auto half = client.Await(client.Ask("POST", "/", "half", {}, false));
  EXPECT_EQ(half.status, 0);
  EXPECT_EQ(half.error, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  const auto untaken = client.Get("/long");
  EXPECT_EQ(untaken.body.size(), 1000U);
  EXPECT_EQ(untaken.error, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(client.Get("/").status, 200);          // the others go on
  EXPECT_EQ(client.AwaitEnd(), NGHTTP2_NO_ERROR);  // nothing is asked
  EXPECT_TRUE(client.socket().ended());
}

TEST(Http2Server, SendsAwayWhoResetsAndResets) {
  std::atomic<int> ran = 0;
  const auto server = StartServer({}, [&ran](const HttpRequest& request) {
    ++ran;
    std::this_thread::sleep_for(20ms);  // so that the resets come before the answers
    return Told(request);
  });
  Http2TestClient client(server->port());
  for (int i = 0; i < 300; ++i) client.Reset(client.Ask("GET", "/"));
  EXPECT_EQ(client.AwaitEnd(), NGHTTP2_ENHANCE_YOUR_CALM);
  Http2TestClient other(server->port());
  EXPECT_EQ(other.Get("/").status, 200);
  EXPECT_LE(ran, 110);  // as many as it may reset, and few more
}

TEST(Http2Server, BearsGarbageAfterTheFirstRequest) {
  const auto server = StartServer();
  Http2TestClient client(server->port());
  EXPECT_EQ(client.Get("/").status, 200);
  client.socket().Send(std::string(100, '\xFF'));
  EXPECT_GT(client.AwaitEnd(), 0);
  Http2TestClient gone(server->port());
  gone.Ask("POST", "/", "half", {}, false);
  gone.socket().Close();
  Http2TestClient other(server->port());
  EXPECT_EQ(other.Get("/").status, 200);
  EXPECT_EQ(CallEcho(server->port(), "still"), "still");
}

TEST(Http2Server, AnIdleConnectionMakesRoom) {
  DualServerOptions options;
  options.http.max_connections = 1;
  const auto server = StartServer(std::move(options));
  Http2TestClient first(server->port());
  EXPECT_EQ(first.Get("/").status, 200);
  Http2TestClient second(server->port());
  EXPECT_EQ(second.Get("/").status, 200);
  EXPECT_EQ(first.AwaitEnd(), NGHTTP2_NO_ERROR);  // told, not cut off
}

TEST(Http2Server, StopLetsWhatIsInFlightEnd) {
  std::promise<void> began, go;
  std::shared_future<void> gate = go.get_future().share();
  const auto server = StartServer({}, [&](const HttpRequest& request) {
    if (request.path != "/slow") return Told(request);
    began.set_value();
    gate.wait();
    return Told(request);
  });
  Http2TestClient idle(server->port());
  EXPECT_EQ(idle.Get("/").status, 200);
  Http2TestClient busy(server->port());
  const auto slow = busy.Ask("GET", "/slow");
  began.get_future().wait();
  std::jthread stopper([&] { server->Stop(20s); });
  EXPECT_EQ(idle.AwaitEnd(), NGHTTP2_NO_ERROR);
  go.set_value();
  EXPECT_EQ(busy.Await(slow).body, "GET /slow ");
  EXPECT_EQ(busy.AwaitEnd(), NGHTTP2_NO_ERROR);
}

TEST(Http2Server, StopWithoutGraceEndsAll) {
  std::promise<void> began;
  const auto server = StartServer({}, [&](const HttpRequest& request) {
    HttpResponse response;
    const auto first = std::make_shared<std::atomic<bool>>(true);
    response.stream = [&began, first, stop = request.stop](std::string& chunk) -> Result<bool> {
      chunk.assign(300'000, 'x');
      if (first->exchange(false)) began.set_value();
      return true;
    };
    return response;
  });
  Http2TestClient client(server->port(), false, 1000);
  client.Ask("GET", "/endless");
  Http2TestClient half(server->port());
  half.Ask("POST", "/", "half", {}, false);
  began.get_future().wait();
  server->Stop(0ms);
  client.AwaitEnd();
  half.AwaitEnd();
}

TEST(Http2Server, ManyThatAskNothingKeepNobodyOut) {
  DualServerOptions options;
  options.max_waiting = 8;
  const auto server = StartServer(std::move(options));
  std::vector<std::unique_ptr<LoopbackClient>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<LoopbackClient>(server->port()));
    silent.back()->Send(kHttp2Preface);
  }
  Http2TestClient client(server->port());
  EXPECT_EQ(client.Get("/").status, 200);
  EXPECT_EQ(CallEcho(server->port(), "still"), "still");
}

// Who says nothing after the preface is gRPC, as its clients are that only connect.
TEST(Http2Server, WhoAsksNothingIsGrpc) {
  const auto server = StartServer();
  LoopbackClient client(server->port());
  const std::string preface(kHttp2Preface);
  ASSERT_TRUE(client.Send(preface + std::string("\0\0\0\4\0\0\0\0\0", 9)));
  EXPECT_EQ(client.ReadBytes(15), Http2Greeting());
  const std::string settings = client.ReadBytes(9);  // gRPC's
  ASSERT_EQ(settings.size(), 9U);
  EXPECT_EQ(settings[3], NGHTTP2_SETTINGS);
  LoopbackClient garbage(server->port());
  ASSERT_TRUE(garbage.Send(preface + std::string(100, '\xFF')));
  garbage.EndSending();
  garbage.ReadToEnd();
  EXPECT_EQ(CallEcho(server->port(), "still"), "still");
}

}  // namespace
}  // namespace tracestore::net
