// The client against our own server, and against sockets that misbehave.
#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <latch>
#include <thread>

#include "net/compression.h"
#include "net/http_server.h"
#include "net/listen.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

std::unique_ptr<HttpServer> StartServer(HttpHandler handler, HttpServerOptions options = {}) {
  auto server = HttpServer::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

std::unique_ptr<HttpClient> Client(std::uint16_t port, HttpClientOptions options = {}) {
  options.port = port;
  auto client = HttpClient::Make(std::move(options));
  EXPECT_TRUE(client.has_value()) << client.error().message();
  return std::move(client).value();
}

HttpClientRequest Get(std::string target) {
  HttpClientRequest request;
  request.target = std::move(target);
  return request;
}

HttpClientRequest Post(std::string target, std::string_view body) {
  HttpClientRequest request = Get(std::move(target));
  request.method = "POST";
  request.body = body;
  return request;
}

HttpResponse Echo(const HttpRequest& request) {
  auto response = HttpResponse::Text(200, request.body);
  response.headers.emplace_back("X-Was", request.method + " " + request.raw_target + " " +
                                             std::string(request.header("X-Tenant")));
  response.headers.emplace_back("X-Peer", request.peer);
  return response;
}

// One connection of a server that sends exactly what it is told to, once.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer, bool then_close = true)
      : socket_(std::move(ListenSocket::Open("127.0.0.1", 0)).value()), port_(socket_.port()) {
    thread_ =
        std::jthread([this, answer = std::move(answer), then_close](const std::stop_token& stop) {
          const int listening = socket_.Release();
          int fd = -1;
          while (fd < 0 && !stop.stop_requested()) {
            fd = accept(listening, nullptr, nullptr);  // not blocking
            if (fd < 0) std::this_thread::yield();
          }
          char request[4096];
          if (fd >= 0 && recv(fd, request, sizeof(request), 0) > 0) {
            (void)!send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
          }
          // Keeps the connection open; a stop_token alone has nothing to wait on.
          while (!then_close && !stop.stop_requested()) std::this_thread::sleep_for(1ms);
          if (fd >= 0) close(fd);
          close(listening);
        });
  }
  std::uint16_t port() const { return port_; }

 private:
  ListenSocket socket_;
  std::uint16_t port_;
  std::jthread thread_;
};

TEST(HttpClient, SendsAndGetsWholeBodies) {
  const auto server = StartServer(Echo);
  const auto client = Client(server->port());
  for (const std::size_t size : {0u, 1u, 5000u, 3'000'000u}) {
    const std::string body(size, '\xFE');
    HttpClientRequest request = Post("/a%2Fb?c=d", body);
    request.headers = {{"X-Tenant", "acme"}};
    const auto response = client->Send(request);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->header("x-was"), "POST /a%2Fb?c=d acme");
    EXPECT_TRUE(response->body == body);
  }
  HttpClientRequest head = Get("/");
  head.method = "HEAD";
  EXPECT_EQ(client->Send(head)->status, 200);
}

TEST(HttpClient, KeepsItsConnection) {
  const auto server = StartServer(Echo);
  const auto client = Client(server->port());
  const std::string first(client->Send(Get("/"))->header("X-Peer"));
  EXPECT_EQ(client->Send(Post("/", "x"))->header("X-Peer"), first);
  HttpClientOptions options;
  options.max_idle_connections = 0;
  const auto fickle = Client(server->port(), options);
  const std::string once(fickle->Send(Get("/"))->header("X-Peer"));
  EXPECT_NE(fickle->Send(Get("/"))->header("X-Peer"), once);
}

TEST(HttpClient, NoticesThatTheServerHasClosedAKeptConnection) {
  HttpServerOptions options;
  auto server = StartServer(Echo, options);
  const auto client = Client(server->port());
  EXPECT_TRUE(client->Send(Get("/")).has_value());
  options.port = server->port();
  server.reset();
  server = StartServer(Echo, options);
  EXPECT_TRUE(client->Send(Post("/", "again")).has_value());
}

TEST(HttpClient, TakesEveryStatusAndAGzipBody) {
  const auto server = StartServer([](const HttpRequest& request) {
    if (request.path == "/gzip") {
      auto response = HttpResponse::Text(200, CompressGzip(std::string(100'000, 'z')).value());
      response.headers.emplace_back("Content-Encoding", "gzip");
      return response;
    }
    return HttpResponse::Text(request.path == "/no" ? 204 : 503,
                              request.path == "/no" ? "" : "busy");
  });
  const auto client = Client(server->port());
  EXPECT_EQ(client->Send(Get("/"))->status, 503);
  EXPECT_EQ(client->Send(Get("/"))->body, "busy");
  EXPECT_EQ(client->Send(Get("/no"))->status, 204);
  EXPECT_TRUE(client->Send(Get("/gzip"))->body == std::string(100'000, 'z'));
  HttpClientOptions options;
  options.max_body_bytes = 50'000;
  const auto bomb = Client(server->port(), options)->Send(Get("/gzip"));
  ASSERT_FALSE(bomb.has_value());
  EXPECT_EQ(bomb.error().code(), ErrorCode::kBusy);
}

TEST(HttpClient, BoundsTheAnswer) {
  const auto server = StartServer(
      [](const HttpRequest&) { return HttpResponse::Text(200, std::string(2000, 'x')); });
  HttpClientOptions options;
  options.max_body_bytes = 1999;
  const auto large = Client(server->port(), options)->Send(Get("/"));
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().message(),
            "GET http://127.0.0.1:" + std::to_string(server->port()) +
                "/: the answer's body is larger than the limit of 1999 bytes");
  const OneAnswer endless("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'y'));
  EXPECT_EQ(Client(endless.port())->Send(Get("/")).error().code(), ErrorCode::kBusy);
}

TEST(HttpClient, ReadsTheRefusalOfABodyThatWasNotTaken) {
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  const auto server = StartServer(Echo, options);
  const auto client = Client(server->port());
  const std::string body(8'000'000, 'x');
  const auto response = client->Send(Post("/", body));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(client->Send(Post("/", "x"))->status, 200);
}

TEST(HttpClient, GivesUpOnASilentServer) {
  const OneAnswer silent("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", false);
  HttpClientOptions options;
  options.timeout = 50ms;
  const auto response = Client(silent.port(), options)->Send(Get("/"));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code(), ErrorCode::kCancelled);
  EXPECT_THAT(response.error().message(), HasSubstr("cannot read the answer in time"));
}

TEST(HttpClient, EndsARequestThatIsStopped) {
  std::latch entered(1);
  std::latch leave(1);
  const auto server = StartServer([&](const HttpRequest& request) {
    entered.count_down();
    leave.wait();
    return Echo(request);
  });
  const auto client = Client(server->port());
  std::stop_source stop;
  HttpClientRequest request = Get("/");
  request.stop = stop.get_token();
  auto running = std::async(std::launch::async, [&] { return client->Send(request); });
  entered.wait();
  stop.request_stop();
  const auto ended = running.get();
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code(), ErrorCode::kCancelled);
  leave.count_down();
}

TEST(HttpClient, SaysWhatWentWrong) {
  std::uint16_t port = 0;
  {
    auto free = ListenSocket::Open("127.0.0.1", 0);
    port = free->port();
  }
  const auto nobody = Client(port)->Send(Post("/v1/traces", ""));
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().message(), "POST http://127.0.0.1:" + std::to_string(port) +
                                          "/v1/traces: cannot connect: Connection refused");
  HttpClientOptions options;
  options.host = "no-such-host.invalid";
  EXPECT_THAT(Client(1, options)->Send(Get("/")).error().message(),
              HasSubstr("cannot look the host up"));
  for (const char* part :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    const OneAnswer torn(part);
    const auto response = Client(torn.port())->Send(Get("/"));
    ASSERT_FALSE(response.has_value()) << part;
    EXPECT_EQ(response.error().code(), ErrorCode::kIo) << response.error().message();
  }
  for (const char* garbage : {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 x\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"}) {
    const OneAnswer odd(garbage);
    EXPECT_EQ(Client(odd.port())->Send(Get("/")).error().code(), ErrorCode::kCorruption) << garbage;
  }
}

TEST(HttpClient, ReadsToTheEndOfAnAnswerWithoutALength) {
  const OneAnswer old("HTTP/1.0 200 OK\r\n\r\nall of it");
  EXPECT_EQ(Client(old.port())->Send(Get("/"))->body, "all of it");
  const OneAnswer interim(
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
      "Content-Length: 2\r\n\r\nok");
  EXPECT_EQ(Client(interim.port())->Send(Get("/"))->body, "ok");
}

TEST(HttpClient, SendsNoRequestThatWouldBecomeTwo) {
  const auto client = Client(1);
  HttpClientRequest request = Get("/a b");
  EXPECT_EQ(client->Send(request).error().code(), ErrorCode::kInvalidArgument);
  request = Get("/");
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(client->Send(request).error().code(), ErrorCode::kInvalidArgument);
  request = Get("/");
  request.method = "GET /x HTTP/1.1\r\nA:";
  EXPECT_EQ(client->Send(request).error().code(), ErrorCode::kInvalidArgument);
}

TEST(HttpClient, ServesManyThreads) {
  const auto server = StartServer(Echo);
  const auto client = Client(server->port());
  std::vector<std::future<bool>> all;
  for (int t = 0; t < 8; ++t) {
    all.push_back(std::async(std::launch::async, [&, t] {
      bool good = true;
      for (int i = 0; i < 20; ++i) {
        const std::string body = std::to_string(t * 100 + i);
        const auto response = client->Send(Post("/", body));
        good &= response.has_value() && response->body == body;
      }
      return good;
    }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
}

}  // namespace
}  // namespace tracestore::net
