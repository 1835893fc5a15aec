// The server's bounds of sizes, times and connections, on real sockets. Nothing here sleeps: what
// has to pass first is waited for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <mutex>
#include <thread>

#include "net/compression.h"
#include "net/http_server.h"
#include "net/http_test_server.h"
#include "net/loopback_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

TEST(HttpServer, RefusesADeclaredLengthBeforeReadingTheBody) {
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  const auto server = StartServer(EchoBody, options);
  LoopbackClient client(server->port());
  client.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1001\r\n"
              "Expect: 100-continue\r\n\r\n");
  const auto answer = ReadAnswer(client);
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "the body is larger than the limit of 1000 bytes\n");
  LoopbackClient exact(server->port());
  exact.Send(Post("/", std::string(1000, 'x')));
  EXPECT_EQ(ReadAnswer(exact).status, 200);
  LoopbackClient chunked(server->port());
  chunked.Send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" +
               std::string(1000, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(ReadAnswer(chunked).status, 413);
  LoopbackClient exactly(server->port());
  exactly.Send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" +
               std::string(1000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(ReadAnswer(exactly).status, 200);
}

TEST(HttpServer, TellsWhatItRefused) {
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  options.read_timeout = 200ms;
  std::mutex mutex;
  std::vector<std::string> told;
  options.on_refused = [&](std::string_view cause) {
    const std::lock_guard lock(mutex);
    told.emplace_back(cause);
  };
  const auto server = StartServer(
      [](const HttpRequest& request) {
        return HttpResponse::Text(request.path == "/415" ? 415 : 400, "the handler's own");
      },
      options);
  const auto ask = [&](const std::string& request) {
    LoopbackClient client(server->port());
    client.Send(request);
    return ReadAnswer(client).status;
  };
  EXPECT_EQ(ask(Post("/", std::string(1001, 'x'))), 413);
  EXPECT_EQ(ask(Post("/", *CompressGzip(std::string(100'000, 'x')), "Content-Encoding: gzip\r\n")),
            413);
  EXPECT_EQ(ask(Post("/", "no gzip", "Content-Encoding: gzip\r\n")), 400);
  EXPECT_EQ(ask("no request\r\n\r\n"), 400);
  EXPECT_EQ(ask(Post("/", "x", "Content-Encoding: br\r\n")), 415);
  EXPECT_EQ(ask(Post("/415", "x")), 415);
  EXPECT_EQ(ask(Post("/", "x")), 400);
  LoopbackClient half(server->port());
  half.Send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(half.ReadToEnd(), "");
  server->Stop(20s);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(told, testing::ElementsAre("too-long", "too-long", "broken", "broken", "unsupported",
                                         "unsupported", "too-slow"));
}

TEST(HttpServer, LetsAClientThatIsStillSendingReadTheRefusal) {
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  const auto server = StartServer(EchoBody, options);
  LoopbackClient client(server->port());
  EXPECT_TRUE(client.Send(Post("/", std::string(10'000'000, 'x'))));
  EXPECT_EQ(ReadAnswer(client).status, 413);
}

TEST(HttpServer, BoundsTheBodiesInFlight) {
  HttpServerOptions options;
  options.max_body_bytes = 100'000;
  options.max_body_bytes_in_flight = 150'000;
  std::latch entered(1);
  std::latch leave(1);
  std::atomic<bool> first = true;
  const auto server = StartServer(
      [&](const HttpRequest& request) {
        if (first.exchange(false)) {
          entered.count_down();
          leave.wait();
        }
        return HttpResponse::Text(200, std::to_string(request.body.size()));
      },
      options);
  LoopbackClient slow(server->port());
  slow.Send(Post("/", std::string(100'000, 'x')));
  entered.wait();
  LoopbackClient second(server->port());
  second.Send(Post("/", std::string(100'000, 'x')));
  const auto refused = ReadAnswer(second);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.Field("Retry-After"), "1");
  leave.count_down();
  EXPECT_EQ(ReadAnswer(slow).body, "100000");
  LoopbackClient third(server->port());
  third.Send(Post("/", std::string(100'000, 'x')));
  EXPECT_EQ(ReadAnswer(third).body, "100000");
}

TEST(HttpServer, EndsASlowBodyForANewOne) {
  HttpServerOptions options;
  options.max_body_bytes = 100'000;
  options.max_body_bytes_in_flight = 120'000;
  options.read_timeout = 600s;
  std::promise<void> told;
  options.on_refused = [&](std::string_view cause) {
    if (cause == "too-slow") told.set_value();
  };
  const auto server = StartServer(EchoBody, options);
  LoopbackClient slow(server->port());
  slow.Send("POST / HTTP/1.1\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(slow.ReadThrough("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");  // it has room now
  int status = 0;
  for (const auto until = std::chrono::steady_clock::now() + 20s;
       status != 200 && std::chrono::steady_clock::now() < until;) {
    LoopbackClient client(server->port());
    client.Send(Post("/", std::string(100'000, 'y')));
    status = ReadAnswer(client).status;
    slow.Send("x");  // a byte at a time is no pace
  }
  EXPECT_EQ(status, 200);
  EXPECT_EQ(told.get_future().wait_for(20s), std::future_status::ready);
  slow.ReadToEnd();
  EXPECT_TRUE(slow.ended());
}

TEST(HttpServer, DropsSlowSendersAndIdleOnes) {
  HttpServerOptions options;
  options.read_timeout = 50ms;
  options.idle_timeout = 50ms;
  const auto server = StartServer(EchoBody, options);
  for (const char* sent : {"", "GET / HT", "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"}) {
    LoopbackClient client(server->port());
    client.Send(sent);
    EXPECT_EQ(client.ReadToEnd(), "") << sent;
    EXPECT_TRUE(client.ended()) << sent;
  }
}

TEST(HttpServer, AFastSenderOfALargeBodyIsNotCutByTheReadTimeout) {
  HttpServerOptions options;
  options.read_timeout = 2'000ms;
  const auto server = StartServer(
      [](const HttpRequest& request) {
        return HttpResponse::Text(200, std::to_string(request.body.size()));
      },
      options);
  LoopbackClient client(server->port());
  client.Send(Post("/", std::string(std::size_t{32} << 20, 'x')));
  EXPECT_EQ(ReadAnswer(client).body, std::to_string(std::size_t{32} << 20));
}

TEST(HttpServer, MakesRoomForNewConnectionsAtTheCap) {
  HttpServerOptions options;
  options.max_connections = 20;
  const auto server = StartServer(EchoBody, options);
  std::vector<LoopbackClient> silent;
  for (int i = 0; i < 300; ++i) {
    silent.emplace_back(server->port());
    EXPECT_TRUE(silent.back().connected());
    if (i % 50 != 49) continue;
    LoopbackClient client(server->port());
    client.Send(Post("/", "still served"));
    EXPECT_EQ(ReadAnswer(client).body, "POST / still served") << i;
  }
  EXPECT_EQ(silent.front().ReadToEnd(), "");
  EXPECT_TRUE(silent.front().ended());
  EXPECT_LE(server->connections(), 21u);
}

TEST(HttpServer, ACrowdThatSaysHalfAHeadMakesRoom) {
  HttpServerOptions options;
  options.max_connections = 20;
  std::atomic<int> put_off = 0;
  options.on_refused = [&](std::string_view cause) {
    if (cause == "too-many-connections") ++put_off;
  };
  const auto server = StartServer(EchoBody, options);
  std::vector<LoopbackClient> crowd;
  for (int i = 0; i < 300; ++i) {
    crowd.emplace_back(server->port());
    EXPECT_TRUE(crowd.back().Send("POST / HTTP/1.1\r\nHo"));
    if (i % 50 != 49) continue;
    LoopbackClient client(server->port());
    client.Send(Post("/", "still served"));
    EXPECT_EQ(ReadAnswer(client).body, "POST / still served") << i;
  }
  EXPECT_EQ(crowd.front().ReadToEnd(), "");
  EXPECT_LE(server->connections(), 21u);
  server->Stop(0s);
  EXPECT_GT(put_off, 0);
}

}  // namespace
}  // namespace tracestore::net
