#include "service/query_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

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
  const auto handler =
      access.Http("query", [](const net::HttpRequest&) { return Streamed(); }, Refuse);
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
  EXPECT_THAT(log.text(), HasSubstr("query GET /a 200 6 bytes"));
  EXPECT_THAT(log.text(), Not(HasSubstr("broken off")));
  EXPECT_EQ(access.in_flight(), 0U);
  {
    net::HttpResponse response = handler(Request("/c"));
    std::string chunk;
    EXPECT_TRUE(*response.stream(chunk));
  }
  EXPECT_THAT(log.text(), HasSubstr("query GET /c 200 2 bytes"));
  EXPECT_THAT(log.text(), HasSubstr("ms broken off from"));
  EXPECT_THAT(metrics.Text(), HasSubstr("tracestore_query_refused_total{server=\"query\"} 1\n"));
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

}  // namespace
}  // namespace tracestore::tools
