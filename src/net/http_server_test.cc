// The server on real sockets. Nothing here sleeps: what has to pass first is waited for.
#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <random>
#include <thread>

#include "net/compression.h"
#include "net/http_test_server.h"
#include "net/loopback_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

TEST(HttpServer, KeepsConnectionsAlive) {
  const auto server = StartServer();
  LoopbackClient client(server->port());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.Send(Post("/n", std::to_string(i))));
    const auto answer = ReadAnswer(client);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /n " + std::to_string(i));
  }
  EXPECT_EQ(server->connections(), 1u);
  client.Send("GET /last HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  const auto last = ReadAnswer(client);
  EXPECT_EQ(last.Field("Connection"), "close");
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = StartServer();
  LoopbackClient client(server->port());
  std::string all;
  for (int i = 0; i < 200; ++i) all += Post("/" + std::to_string(i), std::string(100, 'x'));
  std::jthread sender([&] { client.Send(all); });
  for (int i = 0; i < 200; ++i) {
    EXPECT_THAT(ReadAnswer(client).body, StartsWith("POST /" + std::to_string(i) + " "));
  }
}

TEST(HttpServer, HandlesHttp10AndHead) {
  const auto server = StartServer();
  LoopbackClient old(server->port());
  old.Send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_EQ(ReadAnswer(old).body, "GET /old ");
  EXPECT_EQ(old.ReadToEnd(), "");
  LoopbackClient kept(server->port());
  for (int i = 0; i < 2; ++i) {
    kept.Send("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(ReadAnswer(kept).Field("Connection"), "keep-alive");
  }
  kept.Send("HEAD /h HTTP/1.1\r\nHost: t\r\n\r\nGET /next HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(ReadAnswer(kept, true).Field("Content-Length"), "8");
  EXPECT_EQ(ReadAnswer(kept).body, "GET /next ");
}

TEST(HttpServer, PassesTheRequestOn) {
  HttpRequest seen;
  const auto server = StartServer([&](const HttpRequest& request) {
    seen = request;
    return HttpResponse::Json(201, "{}");
  });
  LoopbackClient client(server->port());
  client.Send("PUT /a%2Fb?x=1&x=2 HTTP/1.1\r\nHost: t\r\nX-Thing: Value \r\n\r\n");
  const auto answer = ReadAnswer(client);
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 201 Created\r\nDate: "));
  EXPECT_EQ(answer.Field("Content-Type"), "application/json");
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.path, "/a/b");
  EXPECT_EQ(seen.raw_target, "/a%2Fb?x=1&x=2");
  EXPECT_EQ(seen.query.all("x").size(), 2u);
  EXPECT_EQ(seen.header("x-thing"), "Value");
  EXPECT_THAT(seen.peer, StartsWith("127.0.0.1:"));
}

void SendInPieces(LoopbackClient& client, std::string_view bytes, std::mt19937_64& random) {
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, 1 + random() % 50'000);
    client.Send(piece);
    bytes.remove_prefix(piece.size());
  }
}

TEST(HttpServer, TakesChunkedBodiesCutAnywhere) {
  const auto server = StartServer();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::string body(random() % 300'000, 'b');
    std::string sent = "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < body.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 20'000, body.size() - at);
      char line[32];
      std::snprintf(line, sizeof(line), "%zx%s\r\n", size, random() % 2 ? ";ext=1" : "");
      sent += line + body.substr(at, size) + "\r\n";
      at += size;
    }
    sent += "0\r\nTrailer: x\r\n\r\n";
    LoopbackClient client(server->port());
    std::jthread sender([&] { SendInPieces(client, sent, random); });
    const auto answer = ReadAnswer(client);
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.body == "POST /c " + body);
  }
}

// Behind each stands the next request, which is not its own.
TEST(HttpServer, TakesSizedBodiesCutAnywhere) {
  const auto server = StartServer();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::string sent;
    std::vector<std::string> bodies;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65'535},
                                   std::size_t{65'536}, std::size_t{random() % 1'000'000}}) {
      std::string& body = bodies.emplace_back(size, '\0');
      for (char& c : body) c = static_cast<char>('a' + random() % 26);
      sent += Post("/s", body);
    }
    LoopbackClient client(server->port());
    std::jthread sender([&] { SendInPieces(client, sent, random); });
    for (const std::string& body : bodies)
      EXPECT_TRUE(ReadAnswer(client).body == "POST /s " + body);
  }
}

TEST(HttpServer, UndoesContentCodingsWithinTheLimit) {
  HttpServerOptions options;
  options.max_body_bytes = 100'000;
  const auto server = StartServer(EchoBody, options);
  LoopbackClient client(server->port());
  const auto ask = [&](const std::string& body, const std::string& coding) {
    client.Send(Post("/z", body, "Content-Encoding: " + coding + "\r\n"));
    return ReadAnswer(client);
  };
  EXPECT_EQ(ask(*CompressGzip("hello"), "gzip").body, "POST /z hello");
  EXPECT_EQ(ask("", "gzip").body, "POST /z ");
  const auto bomb = ask(*CompressGzip(std::string(10'000'000, '\0')), "gzip");
  EXPECT_EQ(bomb.status, 413);
  EXPECT_EQ(bomb.body, "the decompressed body is larger than the limit of 100000 bytes\n");
  EXPECT_EQ(ask("no gzip", "gzip").status, 400);
  EXPECT_EQ(ask("x", "br").status, 415);
  EXPECT_EQ(ask(*CompressGzip("still here"), "GZIP").body, "POST /z still here");
}

TEST(HttpServer, CompressesLargeAnswersForThoseWhoAsk) {
  const auto server = StartServer([](const HttpRequest& request) {
    return HttpResponse::Text(200, std::string(request.path == "/big" ? 2048 : 2047, 'x'));
  });
  LoopbackClient client(server->port());
  const auto ask = [&](const std::string& path, const std::string& accept) {
    client.Send("GET " + path + " HTTP/1.1\r\nHost: t\r\n" + accept + "\r\n");
    return ReadAnswer(client);
  };
  const auto packed = ask("/big", "Accept-Encoding: gzip, deflate\r\n");
  EXPECT_EQ(packed.Field("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.Field("Vary"), "Accept-Encoding");
  EXPECT_EQ(Decompress(Coding::kGzip, packed.body, 5000).bytes, std::string(2048, 'x'));
  EXPECT_EQ(ask("/small", "Accept-Encoding: gzip\r\n").body, std::string(2047, 'x'));
  EXPECT_EQ(ask("/big", "").body, std::string(2048, 'x'));
}

// Answers with `pieces` pieces, each of its number many times; the one at which it fails is an error.
HttpHandler Pieces(int pieces, int fails_at) {
  return [=](const HttpRequest&) {
    HttpResponse response;
    response.content_type = "application/json";
    response.stream = [=, i = 0](std::string& chunk) mutable -> Result<bool> {
      if (i == fails_at) return Error(ErrorCode::kIo, "no more");
      chunk = std::string(50'000, static_cast<char>('a' + i % 26));
      if (i % 3 == 1) chunk.clear();
      return ++i < pieces;
    };
    return response;
  };
}

TEST(HttpServer, CompressesStreamedAnswersForThoseWhoAsk) {
  const auto server = StartServer(Pieces(40, -1));
  const auto ask = [&](const std::string& version, const std::string& accept) {
    LoopbackClient client(server->port());
    client.Send("GET / HTTP/" + version + "\r\nHost: t\r\n" + accept + "\r\n");
    auto answer = ReadAnswer(client);
    // The end of the connection ends the body of HTTP/1.0.
    if (version == "1.0") answer.body += client.ReadToEnd();
    return answer;
  };
  const std::string plain = ask("1.1", "").body;
  ASSERT_EQ(plain.size(), 27U * 50'000);
  for (const char* version : {"1.1", "1.0"}) {
    const auto packed = ask(version, "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(packed.Field("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.Field("Vary"), "Accept-Encoding");
    EXPECT_LT(packed.body.size(), plain.size() / 20);
    EXPECT_TRUE(Decompress(Coding::kGzip, packed.body, plain.size()).bytes == plain);
  }
  EXPECT_EQ(ask("1.1", "").Field("Vary"), "Accept-Encoding");
}

TEST(HttpServer, BreaksACompressedStreamOffWhereItFails) {
  const auto server = StartServer(Pieces(40, 20));
  LoopbackClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n");
  const std::string answer = client.ReadThrough("\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_FALSE(answer.ends_with("0\r\n\r\n"));
}

TEST(HttpServer, ContinuesWhenAskedTo) {
  const auto server = StartServer();
  LoopbackClient client(server->port());
  client.Send("POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadThrough("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ok");
  EXPECT_EQ(ReadAnswer(client).body, "POST /e ok");
  client.Send("POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: miracles\r\n\r\n");
  EXPECT_EQ(ReadAnswer(client).status, 417);
}

TEST(HttpServer, AnswersGarbageAndGoesOn) {
  HttpServerOptions options;
  options.max_header_bytes = 4096;
  const auto server = StartServer(EchoBody, options);
  const auto status = [&](const std::string& bytes) {
    LoopbackClient client(server->port());
    client.Send(bytes);
    client.EndSending();
    return ReadAnswer(client).status;
  };
  EXPECT_EQ(status("\x16\x03\x01\x02\x01\x01 what is this\r\n\r\n"), 400);
  EXPECT_EQ(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400);
  EXPECT_EQ(status("GET /%zz HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(5000, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(status("GET /" + std::string(5000, 'x') + " HTTP/1.1\r\n\r\n"), 431);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                   std::string(400'000, 'x') + "\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"), 0);
  EXPECT_EQ(status("GET / HT"), 0);
  EXPECT_EQ(status(""), 0);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::string bytes = Post("/x?a=b", "body", "Transfer-Encoding: chunked\r\n");
    if (seed % 2) bytes = Post("/x?a=b", "body", "Content-Encoding: gzip\r\n");
    for (int flips = 0; flips < 3; ++flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    status(bytes);
  }
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 200);
}

TEST(HttpServer, RefusesAtTheCapWhenAllAreBusy) {
  HttpServerOptions options;
  options.max_connections = 1;
  std::latch entered(1);
  std::latch leave(1);
  const auto server = StartServer(
      [&](const HttpRequest&) {
        entered.count_down();
        leave.wait();
        return HttpResponse::Text(200, "done");
      },
      options);
  LoopbackClient busy(server->port());
  busy.Send(Post("/", ""));
  entered.wait();
  LoopbackClient other(server->port());
  const auto refused = ReadAnswer(other);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Field("Retry-After"), "1");
  leave.count_down();
  EXPECT_EQ(ReadAnswer(busy).body, "done");
}

// A worker makes two pieces of this size in one turn.
constexpr std::size_t kPiece = 200'000;

std::string PieceOf(int n, std::size_t size) {
  std::string piece = "piece " + std::to_string(n) + ";";
  piece.resize(std::max(size, piece.size()), '.');
  return piece;
}

HttpResponse Streamed(int pieces, bool fails, std::size_t size = kPiece) {
  HttpResponse response = HttpResponse::Text(200, "");
  response.stream = [pieces, fails, size, n = 0](std::string& chunk) mutable -> Result<bool> {
    if (n == pieces && fails) return Error{ErrorCode::kCorruption, "page 7 is damaged"};
    if (n == pieces) return false;
    chunk = n % 3 == 1 ? "" : PieceOf(n, size);
    ++n;
    return true;
  };
  return response;
}

TEST(HttpServer, StreamsBodiesInChunks) {
  const auto server = StartServer([](const HttpRequest&) { return Streamed(5, false); });
  LoopbackClient client(server->port());
  for (int i = 0; i < 2; ++i) {
    client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    const auto answer = ReadAnswer(client);
    EXPECT_TRUE(answer.complete);
    EXPECT_EQ(answer.Field("Transfer-Encoding"), "chunked");
    EXPECT_TRUE(answer.body == PieceOf(0, kPiece) + PieceOf(2, kPiece) + PieceOf(3, kPiece));
  }
  client.Send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(ReadAnswer(client, true).status, 200);
  LoopbackClient old(server->port());
  old.Send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.ReadToEnd().ends_with(
      "\r\n\r\n" + PieceOf(0, kPiece) + PieceOf(2, kPiece) + PieceOf(3, kPiece)));
  EXPECT_TRUE(old.ended());
}

// They would else wait in the queue of the workers for each.
TEST(HttpServer, MakesSmallPiecesOfAStreamInOneTurn) {
  const auto server = StartServer([](const HttpRequest& request) {
    return Streamed(5, request.path == "/fails", 0);
  });
  LoopbackClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto answer = ReadAnswer(client);
  EXPECT_EQ(answer.body, "piece 0;piece 2;piece 3;");
  EXPECT_EQ(answer.Field("Content-Length"), "24");
  client.Send("GET /fails HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(ReadAnswer(client).status, 500) << "nothing was sent yet";
}

TEST(HttpServer, BreaksAFailedStreamOff) {
  const auto server = StartServer([](const HttpRequest&) { return Streamed(4, true); });
  LoopbackClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto answer = ReadAnswer(client);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body == PieceOf(0, kPiece) + PieceOf(2, kPiece));
  EXPECT_FALSE(answer.complete);
  LoopbackClient old(server->port());
  old.Send("GET / HTTP/1.0\r\n\r\n");
  old.ReadToEnd();
  EXPECT_FALSE(old.ended()) << "an orderly close would look like the whole body";
}

TEST(HttpServer, AnswersAStreamThatFailsAtOnceWith500) {
  const auto server = StartServer([](const HttpRequest&) { return Streamed(0, true); });
  LoopbackClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto answer = ReadAnswer(client);
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "page 7 is damaged\n");
}

TEST(HttpServer, EndsAStreamWhoseReaderLeft) {
  std::promise<void> destroyed;
  struct Notice {
    std::promise<void>& promise;
    ~Notice() { promise.set_value(); }
  };
  const auto server = StartServer([&](const HttpRequest&) {
    HttpResponse response = HttpResponse::Text(200, "");
    response.stream = [notice = std::make_shared<Notice>(destroyed)](std::string& chunk) {
      chunk.assign(100'000, 'x');
      return true;
    };
    return response;
  });
  {
    LoopbackClient client(server->port());
    client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    client.ReadBytes(1'000'000);
  }
  EXPECT_EQ(destroyed.get_future().wait_for(20s), std::future_status::ready);
}

TEST(HttpServer, AnswersForAHandlerThatThrows) {
  HttpServerOptions options;
  options.error_response = [](int status, const std::string& message) {
    return HttpResponse::Json(status, "{\"error\":\"" + message + "\"}");
  };
  const auto server = StartServer(
      [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("oops"); }, options);
  LoopbackClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(ReadAnswer(client).body, "{\"error\":\"internal error: oops\"}");
  client.Send("GET / HTTP/9\r\n\r\n");
  EXPECT_THAT(ReadAnswer(client).body, HasSubstr("{\"error\":\"malformed HTTP request: "));
}

TEST(HttpServer, KeepsLineBreaksOutOfHeaderFields) {
  const auto server = StartServer([](const HttpRequest&) {
    HttpResponse response = HttpResponse::Text(200, "x");
    response.headers.emplace_back("X", "a\r\nInjected: b");
    return response;
  });
  LoopbackClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(ReadAnswer(client).Field("Injected"), "");
}

TEST(HttpServer, StopLetsARequestInFlightEnd) {
  std::latch entered(1);
  std::latch leave(1);
  const auto server = StartServer([&](const HttpRequest&) {
    entered.count_down();
    leave.wait();
    return HttpResponse::Text(200, "finished");
  });
  LoopbackClient idle(server->port());
  LoopbackClient client(server->port());
  client.Send(Post("/", ""));
  entered.wait();
  std::jthread stopper([&] { server->Stop(30s); });
  EXPECT_EQ(idle.ReadToEnd(), "");  // closed at once: the stop has begun
  leave.count_down();
  EXPECT_EQ(ReadAnswer(client).body, "finished");
  EXPECT_EQ(client.ReadToEnd(), "");
  stopper.join();
  EXPECT_FALSE(LoopbackClient(server->port()).connected());
}

TEST(HttpServer, StopAsksHandlersToEndAfterTheGrace) {
  std::latch entered(1);
  const auto server = StartServer([&](const HttpRequest& request) {
    std::promise<void> asked;
    const std::stop_callback callback(request.stop, [&] { asked.set_value(); });
    entered.count_down();
    asked.get_future().wait();
    return HttpResponse::Text(200, "late");
  });
  LoopbackClient client(server->port());
  client.Send(Post("/", ""));
  LoopbackClient half(server->port());
  half.Send("GET / HT");
  entered.wait();
  server->Stop(1ms);
  EXPECT_EQ(server->connections(), 0u);
}

TEST(HttpServer, ServesManyAtOnce) {
  const auto server = StartServer();
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      LoopbackClient client(server->port());
      const std::string body(static_cast<std::size_t>(t) * 10'000, 'y');
      for (int i = 0; i < 50; ++i) {
        client.Send(Post("/p", body));
        if (ReadAnswer(client).body == "POST /p " + body) ++right;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 400);
}

TEST(HttpServer, SaysWhoMayHaveThePort) {
  const auto server = StartServer();
  HttpServerOptions options;
  options.port = server->port();
  const auto second = HttpServer::Start(options, EchoBody);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kIo);
  EXPECT_EQ(second.error().message(),
            "cannot listen on 127.0.0.1:" + std::to_string(server->port()) +
                ": address already in use (is another tracestore or Jaeger running?)");
  options.host = "no.such.host.invalid";
  EXPECT_EQ(HttpServer::Start(options, EchoBody).error().code(), ErrorCode::kInvalidArgument);
  options.host = "192.0.2.1";  // TEST-NET-1, on no machine
  EXPECT_THAT(HttpServer::Start(options, EchoBody).error().message(),
              HasSubstr("cannot assign requested address"));
}

TEST(HttpServer, ListensOnAllInterfaces) {
  HttpServerOptions options;
  options.host = "";
  const auto server = StartServer(
      [](const HttpRequest& request) { return HttpResponse::Text(200, request.peer); }, options);
  LoopbackClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(ReadAnswer(client).body, StartsWith("127.0.0.1:"));
}

}  // namespace
}  // namespace tracestore::net
