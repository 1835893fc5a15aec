#include "service/query_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/stream_turn.h"

namespace tracestore::tools {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

// The log of a test, as text.
class Log {
 public:
  Log() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_));
    logger->set_pattern("%v");
    spdlog::set_default_logger(logger);
  }
  ~Log() { spdlog::set_default_logger(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

net::HttpRequest Request(const std::string& target, const std::string& method = "GET") {
  net::HttpRequest request;
  request.method = method;
  request.peer = "127.0.0.1:9";
  EXPECT_TRUE(request.SetTarget(target).has_value());
  return request;
}

net::HttpResponse Refuse(int status, const std::string& message) {
  return net::HttpResponse::Text(status, message);
}

// Three pieces of a body.
net::HttpResponse Streamed() {
  net::HttpResponse response = net::HttpResponse::Json(200, "");
  response.stream = [left = 3](std::string& chunk) mutable -> Result<bool> {
    chunk = "ab";
    return --left > 0;
  };
  return response;
}

// A stream of pieces of so many bytes; one of kBroken bytes fails instead, one of kThrown throws.
constexpr std::size_t kBroken = std::size_t{1} << 60, kThrown = kBroken + 1;
net::HttpHandler Streaming(std::vector<std::size_t> pieces) {
  return [pieces = std::move(pieces)](const net::HttpRequest&) {
    net::HttpResponse response = net::HttpResponse::Json(200, "");
    response.stream = [pieces, at = std::size_t{0}](std::string& chunk) mutable -> Result<bool> {
      if (at == pieces.size()) return false;
      const std::size_t bytes = pieces[at++];
      if (bytes == kBroken) return Error(ErrorCode::kIo, "a page is damaged");
      if (bytes == kThrown) throw std::runtime_error("no such page");
      chunk.assign(bytes, 'c');
      return true;
    };
    return response;
  };
}

TEST(QueryAccess, TellsEachRequestOnce) {
  const Log log;
  server::MetricRegistry metrics;
  QueryAccess access({.log = true}, metrics);
  const auto handler = access.Http(
      "query", [](const net::HttpRequest&) { return net::HttpResponse::Text(404, "no"); }, Refuse);
  net::HttpRequest request = Request("/api/x?a=b");
  request.tenant = "shop";
  EXPECT_EQ(handler(request).status, 404);
  EXPECT_THAT(log.text(), MatchesRegex("query GET /api/x\\?a=b 404 2 bytes [0-9.]+ ms from "
                                       "127.0.0.1:9 tenant shop\n"));
  EXPECT_EQ(handler(Request("/", "OPTIONS")).status, 404);
  EXPECT_THAT(log.text(), HasSubstr("query OPTIONS / 404"));
}

TEST(QueryAccess, AStreamIsTakenToItsEnd) {
  const Log log;
  server::MetricRegistry metrics;
  QueryAccess access({.log = true, .max_concurrent = 1}, metrics);
  constexpr std::size_t kTurn = net::kStreamTurnBytes;
  const auto handler = access.Http("query", Streaming({kTurn, kTurn, 7}), Refuse);
  {
    net::HttpResponse response = handler(Request("/a"));
    EXPECT_EQ(access.in_flight(), 1U);
    // Another one has to wait.
    const net::HttpResponse refused = handler(Request("/b"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.body, "too many queries at a time; come again");
    EXPECT_THAT(refused.headers, testing::Contains(testing::Pair("Retry-After", "1")));
    std::string chunk;
    while (*response.stream(chunk)) {
    }
    EXPECT_EQ(log.text(), "");
  }
  EXPECT_THAT(log.text(), HasSubstr("query GET /a 200 524295 bytes"));
  EXPECT_THAT(log.text(), Not(HasSubstr("broken off")));
  EXPECT_EQ(access.in_flight(), 0U);
  {
    net::HttpResponse response = handler(Request("/c"));
    std::string chunk;
    EXPECT_TRUE(*response.stream(chunk));
  }
  EXPECT_THAT(log.text(), HasSubstr("query GET /c 200 262144 bytes"));
  EXPECT_THAT(log.text(), HasSubstr("ms broken off from"));
  EXPECT_THAT(metrics.Text(), HasSubstr("tracestore_query_refused_total{server=\"query\",reason=\"queries\"} 1\n"));
}

TEST(QueryAccess, AHandlerThatFailsGivesItsPlaceBack) {
  server::MetricRegistry metrics;
  QueryAccess access({.max_concurrent = 1}, metrics);
  const auto handler = access.Http(
      "query", [](const net::HttpRequest&) -> net::HttpResponse { throw std::bad_alloc(); },
      Refuse);
  for (int i = 0; i < 3; ++i) EXPECT_THROW(handler(Request("/")), std::bad_alloc);
  EXPECT_EQ(access.in_flight(), 0U);
}

TEST(QueryAccess, CallsOverGrpcAreAlike) {
  const Log log;
  server::MetricRegistry metrics;
  QueryAccess access({.log = true, .max_concurrent = 1}, metrics);
  const auto methods = access.Grpc(
      "query_grpc",
      {{"/a.B/Stream",
        [](const net::RawRequest&) {
          return net::RawReply::Stream(
              [left = 2](std::string& message) mutable -> std::optional<net::RawReply> {
                if (left-- == 0) return net::RawReply::Fail(net::GrpcCode::kCancelled, "late");
                message = "abc";
                return std::nullopt;
              });
        }},
       {"/a.B/One", [](const net::RawRequest&) { return net::RawReply::Ok("abcd"); }}});
  net::RawRequest request;
  request.method = "/a.B/Stream";
  request.peer = "p";
  {
    net::RawReply reply = methods.at("/a.B/Stream")(request);
    request.method = "/a.B/One";
    const net::RawReply refused = methods.at("/a.B/One")(request);
    EXPECT_EQ(refused.code, net::GrpcCode::kResourceExhausted);
    EXPECT_TRUE(net::RetryAfter(refused.details).has_value());
    std::string message;
    while (!reply.stream(message)) {
    }
  }
  EXPECT_EQ(methods.at("/a.B/One")(request).bytes, "abcd");
  EXPECT_THAT(log.text(), HasSubstr("query_grpc /a.B/Stream CANCELLED 6 bytes"));
  EXPECT_THAT(log.text(), HasSubstr("query_grpc /a.B/One OK 4 bytes"));
  EXPECT_EQ(access.in_flight(), 0U);
}

TEST(QueryAccess, WhatClientsSendStaysOnItsLine) {
  const Log log;
  server::MetricRegistry metrics;
  QueryAccess access({.log = true}, metrics);
  const auto handler = access.Http(
      "query", [](const net::HttpRequest&) { return net::HttpResponse::Text(200, ""); }, Refuse);
  net::HttpRequest request = Request("/");
  request.raw_target = "/a\nb\x1b" + std::string(5'000, 'x');
  handler(request);
  EXPECT_THAT(log.text(), HasSubstr("/a?b?xxx"));
  EXPECT_LT(log.text().size(), 1'200U);
}

// A trace of so many spans with a text of their own each.
Snapshot TraceOf(std::uint32_t spans) {
  std::string body = R"({"resourceSpans":[{"scopeSpans":[{"spans":[)";
  for (std::uint32_t i = 1; i <= spans; ++i) {
    body += (i > 1 ? "," : "") + std::string(R"({"traceId":"0af7651916cd43dd8448eb211c80319c",)") +
            R"("spanId":"00f067aa0b)" + std::to_string(100'000 + i) + R"(","name":")" +
            std::to_string(i) + std::string(100, 'n') + R"("})";
  }
  AppendResult result;
  auto snapshot = SnapshotOfFiles({body + "]}]}]}"}, result);
  EXPECT_TRUE(snapshot.has_value());
  EXPECT_EQ(result.accepted, spans);
  return std::move(snapshot).value();
}
constexpr TraceId kTrace{0x0af7651916cd43dd, 0x8448eb211c80319c};

// Answers with so many bytes, having read the trace, which it lets go.
net::HttpHandler Reading(const Snapshot& of, std::size_t bytes) {
  return [of, bytes](const net::HttpRequest&) {
    const auto spans = Counted(of)->Get(kTrace);
    return spans.has_value() ? net::HttpResponse::Text(200, std::string(bytes, 'b'))
                             : net::HttpResponse::Text(500, spans.error().message());
  };
}

TEST(QueryAccess, AQueryIsRefusedPastItsMemory) {
  server::MetricRegistry metrics;
  QueryAccess access({.memory = {.all = 0, .each = 100'000}}, metrics);
  const Snapshot small = TraceOf(10), large = TraceOf(1'000);
  EXPECT_EQ(access.Http("query", Reading(small, 10), Refuse)(Request("/")).status, 200);
  for (const auto& handler : {Reading(large, 10), Reading(small, 200'000)}) {
    const net::HttpResponse refused = access.Http("query", handler, Refuse)(Request("/"));
    EXPECT_EQ(refused.status, 422);
    EXPECT_EQ(refused.body, "the query needs more memory than one may have "
                            "(query.max-bytes-per-query is 100000 bytes); ask for fewer traces");
  }
  EXPECT_EQ(access.memory().used(), 0U);
  EXPECT_THAT(metrics.Text(),
              HasSubstr("tracestore_query_refused_total{server=\"query\","
                        "reason=\"bytes_per_query\"} 2\n"));
}

// As an API's observer is told, once it knows its own.
net::HttpHandler Telling(std::vector<int>& told, net::HttpHandler handler) {
  return [&told, handler = std::move(handler)](const net::HttpRequest& request) {
    net::HttpResponse response = handler(request);
    CountAnswer(response.status, [&told](int status) { told.push_back(status); });
    return response;
  };
}

TEST(QueryAccess, CountsWhatTheClientGets) {
  server::MetricRegistry metrics;
  QueryAccess each({.memory = {.all = 0, .each = 100'000}}, metrics);
  QueryAccess all({.memory = {.all = 100'000, .each = 0}}, metrics);
  std::vector<int> told;
  const auto ask = [&](QueryAccess& access, net::HttpHandler handler) {
    (void)access.Http("query", Telling(told, std::move(handler)), Refuse)(Request("/"));
  };
  ask(each, Reading(TraceOf(10), 10));
  ask(each, Reading(TraceOf(1'000), 10));
  ask(all, Reading(TraceOf(1'000), 10));
  ask(each, [](const net::HttpRequest&) {
    net::HttpResponse response = net::HttpResponse::Json(200, "");
    response.stream = [](std::string&) -> Result<bool> { return Error(ErrorCode::kIo, "broken"); };
    return response;
  });
  ask(each, [](const net::HttpRequest&) { return Streamed(); });
  EXPECT_EQ(told, (std::vector{200, 422, 503, 500, 200}));
  CountAnswer(404, [&told](int status) { told.push_back(status); });
  EXPECT_EQ(told.back(), 404) << "of no query: at once";
}

// A HEAD's answer has no body, so that none is broken off.
TEST(QueryAccess, AnswersToHeadAreWhole) {
  for (const auto& pieces : {std::vector<std::size_t>{2, 2}, {net::kStreamTurnBytes, 2}}) {
    const Log log;
    server::MetricRegistry metrics;
    QueryAccess access({.log = true}, metrics);
    {
      const auto response =
          access.Http("query", Streaming(pieces), Refuse)(Request("/", "HEAD"));
      std::string chunk;
      if (response.stream) {
        EXPECT_TRUE(*response.stream(chunk)) << "as the server asks";
      }
    }
    EXPECT_THAT(log.text(), HasSubstr("query HEAD / 200 0 bytes"));
    EXPECT_THAT(log.text(), Not(HasSubstr("broken off")));
  }
}

TEST(QueryAccess, AllTogetherAreRefusedPastTheirs) {
  server::MetricRegistry metrics;
  QueryAccess access({.memory = {.all = 100'000, .each = 0}}, metrics);
  const Snapshot small = TraceOf(10);
  const auto handler = access.Http("query", Reading(small, 60'000), Refuse);
  {
    const net::HttpResponse first = handler(Request("/"));  // held until it is sent
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(access.memory().used(), 60'000U);
    const net::HttpResponse refused = handler(Request("/"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.body, "queries hold as much memory as they may (query.max-bytes is 100000 "
                            "bytes); come again");
    EXPECT_THAT(refused.headers, testing::Contains(testing::Pair("Retry-After", "1")));
  }
  EXPECT_EQ(access.memory().used(), 0U);
  EXPECT_EQ(handler(Request("/")).status, 200);
  EXPECT_THAT(metrics.Text(), HasSubstr("tracestore_query_refused_total{server=\"query\","
                                        "reason=\"bytes\"} 1\n"));
}

// What a turn of the server makes of a stream is held, no more than that; the first decides the
// status.
TEST(QueryAccess, AStreamHoldsOneTurnAtATime) {
  server::MetricRegistry metrics;
  QueryAccess access({.memory = {.all = 0, .each = 500'000}}, metrics);
  constexpr std::size_t kThird = 100'000;  // of a turn, which the third one goes beyond
  static_assert(2 * kThird < net::kStreamTurnBytes && 3 * kThird > net::kStreamTurnBytes);
  {
    const auto response =
        access.Http("query", Streaming({0, kThird, kThird, kThird, kThird, 10}), Refuse)(
            Request("/"));
    EXPECT_EQ(access.memory().used(), 3 * kThird) << "made before anything is sent";
    ASSERT_TRUE(response.stream);
    std::string chunk;
    EXPECT_TRUE(*response.stream(chunk));
    EXPECT_EQ(chunk.size(), 3 * kThird);
    EXPECT_EQ(access.memory().used(), 3 * kThird);
    chunk.clear();
    EXPECT_FALSE(*response.stream(chunk));
    EXPECT_EQ(chunk.size(), kThird + 10);
    EXPECT_EQ(access.memory().used(), kThird + 10);
  }
  {
    const auto whole = access.Http("query", Streaming({10, kThird}), Refuse)(Request("/"));
    EXPECT_FALSE(whole.stream) << "its first turn is its last";
    EXPECT_EQ(whole.body.size(), kThird + 10);
    EXPECT_EQ(access.memory().used(), kThird + 10);
  }
  for (const auto& pieces : {std::vector<std::size_t>{600'000, 1}, {200'000, 400'000, 1}})
    EXPECT_EQ(access.Http("query", Streaming(pieces), Refuse)(Request("/")).status, 422);
  {
    const auto response = access.Http("query", Streaming({300'000, 600'000}), Refuse)(Request("/"));
    EXPECT_EQ(response.status, 200);
    std::string chunk;
    EXPECT_TRUE(*response.stream(chunk));
    chunk.clear();
    EXPECT_FALSE(response.stream(chunk).has_value()) << "broken off";
  }
  EXPECT_EQ(access.memory().used(), 0U);
  EXPECT_EQ(access.in_flight(), 0U);
}

// As the client of a real server gets it: the status that is answered is the one that is counted
// and logged, wherever in its first turn a stream fails. After that it is broken off.
TEST(QueryAccess, AFailureBeforeTheFirstByteIsToldAlike) {
  struct Case {
    std::vector<std::size_t> pieces;
    std::string body;  // "": broken off
  };
  const std::vector<Case> cases = {{{kBroken}, "a page is damaged"},
                                   {{10, 100'000, kBroken}, "a page is damaged"},
                                   {{100'000, kThrown}, "no such page"},
                                   {{300'000, kBroken}, ""}};
  for (const Case& of : cases) {
    const Log log;
    server::MetricRegistry metrics;
    QueryAccess access({.log = true}, metrics);
    std::vector<int> told;
    net::HttpServerOptions options;
    options.error_response = Refuse;
    auto server = net::HttpServer::Start(
        options, access.Http("query", Telling(told, Streaming(of.pieces)), Refuse));
    ASSERT_TRUE(server.has_value()) << server.error().message();
    net::HttpClientOptions at;
    at.port = (*server)->port();
    auto client = net::HttpClient::Make(at);
    ASSERT_TRUE(client.has_value()) << client.error().message();
    const auto answer = (*client)->Send({});
    (*server)->Stop(std::chrono::seconds(10));  // what it tells, it has told
    const std::string status = of.body.empty() ? "200" : "500";
    if (of.body.empty()) {
      EXPECT_FALSE(answer.has_value());
      EXPECT_THAT(log.text(), HasSubstr("ms broken off from"));
    } else {
      ASSERT_TRUE(answer.has_value()) << answer.error().message();
      EXPECT_EQ(answer->status, 500);
      EXPECT_EQ(answer->body, of.body);
      EXPECT_THAT(log.text(), Not(HasSubstr("broken off")));
      EXPECT_THAT(log.text(), HasSubstr(" " + std::to_string(of.body.size()) + " bytes "));
    }
    EXPECT_EQ(told, std::vector{std::stoi(status)});
    EXPECT_THAT(log.text(), HasSubstr("query GET / " + status + " "));
    EXPECT_EQ(access.memory().used(), 0U);
  }
}

TEST(QueryAccess, CallsOverGrpcHaveTheSameMemory) {
  server::MetricRegistry metrics;
  QueryAccess each({.memory = {.all = 0, .each = 100'000}}, metrics);
  QueryAccess all({.memory = {.all = 100'000, .each = 0}}, metrics);
  const Snapshot large = TraceOf(1'000);
  std::vector<int> told;
  const net::RawGrpcServices methods = {
      {"/a.B/One",
       [large, &told](const net::RawRequest&) {
         const auto spans = Counted(large)->Get(kTrace);
         CountAnswer(static_cast<int>(spans.has_value() ? net::GrpcCode::kOk
                                                        : net::GrpcCode::kInternal),
                     [&told](int code) { told.push_back(code); });
         return spans.has_value() ? net::RawReply::Ok("abc")
                                  : net::RawReply::Fail(net::GrpcCode::kInternal, "broken");
       }},
      {"/a.B/Stream", [](const net::RawRequest&) {
         return net::RawReply::Stream(
             [left = 2](std::string& message) mutable -> std::optional<net::RawReply> {
               message.assign(left-- == 2 ? 10 : 200'000, 'm');
               return std::nullopt;
             });
       }}};
  net::RawRequest request;
  request.method = "/a.B/One";
  request.peer = "p";
  const net::RawReply refused = each.Grpc("query_grpc", methods).at("/a.B/One")(request);
  EXPECT_EQ(refused.code, net::GrpcCode::kResourceExhausted);
  EXPECT_THAT(refused.message, HasSubstr("(query.max-bytes-per-query is 100000 bytes)"));
  EXPECT_FALSE(net::RetryAfter(refused.details).has_value()) << "it would be refused again";
  const net::RawReply later = all.Grpc("query_grpc", methods).at("/a.B/One")(request);
  EXPECT_EQ(later.code, net::GrpcCode::kResourceExhausted);
  EXPECT_THAT(later.message, HasSubstr("(query.max-bytes is 100000 bytes)"));
  EXPECT_TRUE(net::RetryAfter(later.details).has_value());
  EXPECT_EQ(told, (std::vector{8, 8})) << "what the client got";

  request.method = "/a.B/Stream";
  const net::RawReply stream = each.Grpc("query_grpc", methods).at("/a.B/Stream")(request);
  std::string message;
  EXPECT_FALSE(stream.stream(message).has_value());
  message.clear();
  const auto end = stream.stream(message);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->code, net::GrpcCode::kResourceExhausted);
}

}  // namespace
}  // namespace tracestore::tools
