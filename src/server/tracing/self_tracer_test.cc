#include "server/tracing/self_tracer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tracestore/spans.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::server {
namespace {

using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Pair;
using testing::SizeIs;

constexpr const char* kSampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr const char* kNotSampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
constexpr TraceId kCallersTrace{0x0af7651916cd43dd, 0x8448eb211c80319c};
constexpr SpanId kCaller{0xb7ad6b7169203331};

// What a tracer has written.
class Written {
 public:
  SelfTracerOptions Options(double ratio = 1) {
    SelfTracerOptions options;
    options.service_name = "tracestore-query";
    options.version = "1.2.3";
    options.ratio = ratio;
    options.write = [this](model::SpanBatch&& batch, const std::stop_token&) {
      lists_.emplace_back(std::make_shared<const model::SpanBatch>(std::move(batch)));
      return Status();
    };
    return options;
  }
  std::vector<SpanView> spans() const {
    std::vector<SpanView> out;
    for (const SpanList& list : lists_) {
      for (std::size_t i = 0; i < list.size(); ++i) out.push_back(list[i]);
    }
    return out;
  }

 private:
  std::vector<SpanList> lists_;
};

std::map<std::string, std::string> TextOf(AttributeList attributes) {
  std::map<std::string, std::string> out;
  for (const AttributeView attribute : attributes)
    out.emplace(attribute.key(), attribute.text());
  return out;
}

net::HttpRequest Get(const std::string& target) {
  net::HttpRequest request;
  request.method = "GET";
  request.peer = "10.1.2.3:4567";
  request.headers = {{"Host", "traces.example:16686"}, {"User-Agent", "curl/8"}};
  EXPECT_TRUE(request.SetTarget(target).has_value());
  return request;
}

net::HttpResponse Found(const net::HttpRequest&) {
  net::HttpResponse response = net::HttpResponse::Json(200, "{}");
  response.route = "/api/traces/{traceID}";
  return response;
}

TEST(SelfTracer, ARequestBecomesASpanByTheConventions) {
  Written written;
  SelfTracer tracer(written.Options());
  EXPECT_EQ(tracer.Http(Found, false)(Get("/api/traces/ab?raw=true")).status, 200);
  tracer.Stop();
  ASSERT_THAT(written.spans(), SizeIs(1));
  const SpanView span = written.spans()[0];
  EXPECT_EQ(span.name(), "GET /api/traces/{traceID}");
  EXPECT_EQ(span.kind(), SpanKind::kServer);
  EXPECT_EQ(span.status(), StatusCode::kUnset);
  EXPECT_EQ(span.service(), "tracestore-query");
  EXPECT_TRUE(span.parent_id().empty());
  EXPECT_FALSE(span.trace_id().empty());
  EXPECT_TRUE(span.has_start() && span.has_duration());
  EXPECT_EQ(TextOf(span.attributes()),
            (std::map<std::string, std::string>{{"http.request.method", "GET"},
                                                {"http.response.body.size", "2"},
                                                {"http.response.status_code", "200"},
                                                {"http.route", "/api/traces/{traceID}"},
                                                {"network.peer.address", "10.1.2.3"},
                                                {"network.peer.port", "4567"},
                                                {"server.address", "traces.example"},
                                                {"server.port", "16686"},
                                                {"url.path", "/api/traces/ab"},
                                                {"url.query", "raw=true"},
                                                {"url.scheme", "http"},
                                                {"user_agent.original", "curl/8"}}));
  EXPECT_THAT(TextOf(span.resource_attributes()),
              testing::Contains(Pair("service.version", "1.2.3")));
  EXPECT_EQ(span.scope_name(), "tracestore");
  EXPECT_EQ(tracer.counts().written, 1U);
}

TEST(SelfTracer, TheCallerDecides) {
  Written written;
  SelfTracer tracer(written.Options(0));  // of the others none
  const auto handler = tracer.Http(Found, true);
  net::HttpRequest request = Get("/");
  (void)handler(request);
  request.headers.emplace_back("traceparent", kNotSampled);
  (void)handler(request);
  request.headers.back().second = "garbage";
  (void)handler(request);
  request.headers.back().second = kSampled;
  request.headers.emplace_back("tracestate", "vendor=1");
  (void)handler(request);
  tracer.Stop();
  ASSERT_THAT(written.spans(), SizeIs(1));
  const SpanView span = written.spans()[0];
  EXPECT_EQ(span.trace_id(), kCallersTrace);
  EXPECT_EQ(span.parent_id(), kCaller);
  EXPECT_NE(span.span_id(), kCaller);
  EXPECT_EQ(span.trace_state(), "vendor=1");
  EXPECT_EQ(span.flags() & 1, 1U);
  EXPECT_EQ(TextOf(span.attributes()).at("url.scheme"), "https");
}

TEST(SelfTracer, B3IsHonouredAndARateHolds) {
  Written written;
  SelfTracerOptions options = written.Options();
  options.per_second = 0.000'001;
  SelfTracer tracer(std::move(options));
  const auto handler = tracer.Http(Found, false);
  for (int i = 0; i < 3; ++i) (void)handler(Get("/first-one"));
  net::HttpRequest request = Get("/b3");
  request.headers.emplace_back("B3", "0");
  (void)handler(request);
  request.headers.back().second = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d";
  (void)handler(request);
  (void)handler(request);
  tracer.Stop();
  const auto spans = written.spans();
  ASSERT_THAT(spans, SizeIs(3)) << "of its own one, and what the caller decided on";
  EXPECT_EQ(TextOf(spans[0].attributes()).at("url.path"), "/first-one");
  EXPECT_EQ(spans[1].parent_id(), SpanId{0xe457b5a2e4d86bd1});
  EXPECT_EQ(spans[2].trace_id(), (TraceId{0x80f198ee56343ba8, 0x64fe8b2a57d3eff7}));
}

TEST(SelfTracer, FailuresAndUnknownMethodsAreTold) {
  Written written;
  SelfTracer tracer(written.Options());
  const auto answering = [&](int status) {
    return tracer.Http(
        [status](const net::HttpRequest&) { return net::HttpResponse::Text(status, "no"); }, false);
  };
  (void)answering(404)(Get("/"));
  (void)answering(503)(Get("/"));
  net::HttpRequest odd = Get("/");
  odd.method = "BREW";
  (void)answering(405)(odd);
  const auto throwing = tracer.Http(
      [](const net::HttpRequest&) -> net::HttpResponse { throw std::runtime_error("x"); }, false);
  EXPECT_THROW((void)throwing(Get("/")), std::runtime_error);
  tracer.Stop();
  const auto spans = written.spans();
  ASSERT_THAT(spans, SizeIs(4));
  EXPECT_EQ(spans[0].status(), StatusCode::kUnset) << "the caller's fault";
  EXPECT_EQ(spans[0].name(), "GET");
  EXPECT_EQ(spans[1].status(), StatusCode::kError);
  EXPECT_EQ(TextOf(spans[1].attributes()).at("error.type"), "503");
  EXPECT_EQ(spans[2].name(), "HTTP");
  EXPECT_THAT(TextOf(spans[2].attributes()),
              IsSupersetOf({Pair("http.request.method", "_OTHER"),
                            Pair("http.request.method_original", "BREW")}));
  EXPECT_EQ(spans[3].status(), StatusCode::kError);
  EXPECT_EQ(spans[3].status_message(), "broken off");
}

TEST(SelfTracer, AStreamEndsItsSpan) {
  Written written;
  SelfTracer tracer(written.Options());
  const auto handler = tracer.Http(
      [](const net::HttpRequest&) {
        net::HttpResponse response = net::HttpResponse::Json(200, "");
        response.stream = [left = 3](std::string& chunk) mutable {
          chunk = "abc";
          return --left > 0;
        };
        return response;
      },
      false);
  {
    const net::HttpResponse whole = handler(Get("/whole"));
    std::string chunk;
    while (*whole.stream(chunk)) {
    }
  }
  {
    const net::HttpResponse broken = handler(Get("/broken"));
    std::string chunk;
    EXPECT_TRUE(*broken.stream(chunk));
  }
  tracer.Stop();
  const auto spans = written.spans();
  ASSERT_THAT(spans, SizeIs(2));
  EXPECT_EQ(spans[0].status(), StatusCode::kUnset);
  EXPECT_EQ(TextOf(spans[0].attributes()).at("http.response.body.size"), "9");
  EXPECT_EQ(spans[1].status_message(), "broken off");
  EXPECT_EQ(TextOf(spans[1].attributes()).at("error.type"), "broken_off");
}

TEST(SelfTracer, CallsOverGrpcToo) {
  Written written;
  SelfTracer tracer(written.Options());
  int called = 0;
  const auto methods = tracer.Grpc(
      {{"/a.B/One", [](const net::RawRequest&) { return net::RawReply::Ok("x"); }},
       {"/a.B/Bad",
        [](const net::RawRequest&) {
          return net::RawReply::Fail(net::GrpcCode::kInternal, "broken page");
        }},
       {"/a.B/Stream",
        [](const net::RawRequest&) {
          return net::RawReply::Stream(
              [left = 1](std::string& message) mutable -> std::optional<net::RawReply> {
                if (left-- == 0) return net::RawReply::Ok("");
                message = "m";
                return std::nullopt;
              });
        }},
       {"/a.B/Left", [&called](const net::RawRequest&) {
          ++called;
          return net::RawReply::Ok("");
        }}},
      {"/a.B/Left"});
  net::RawRequest request;
  request.peer = "[::1]:99";
  request.metadata = [](std::string_view key) -> std::optional<std::string_view> {
    if (key == "traceparent") return kSampled;
    return std::nullopt;
  };
  for (const char* method : {"/a.B/One", "/a.B/Bad", "/a.B/Left"}) {
    request.method = method;
    (void)methods.at(method)(request);
  }
  request.method = "/a.B/Stream";
  {
    const net::RawReply reply = methods.at("/a.B/Stream")(request);
    std::string message;
    EXPECT_FALSE(reply.stream(message).has_value());
    EXPECT_TRUE(reply.stream(message).has_value());
  }
  tracer.Stop();
  EXPECT_EQ(called, 1);
  const auto spans = written.spans();
  ASSERT_THAT(spans, SizeIs(3));
  EXPECT_EQ(spans[0].name(), "a.B/One");
  EXPECT_EQ(spans[0].kind(), SpanKind::kServer);
  EXPECT_EQ(spans[0].parent_id(), kCaller);
  EXPECT_EQ(TextOf(spans[0].attributes()),
            (std::map<std::string, std::string>{{"network.peer.address", "::1"},
                                                {"network.peer.port", "99"},
                                                {"rpc.grpc.status_code", "0"},
                                                {"rpc.method", "One"},
                                                {"rpc.service", "a.B"},
                                                {"rpc.system", "grpc"}}));
  EXPECT_EQ(spans[1].status(), StatusCode::kError);
  EXPECT_EQ(spans[1].status_message(), "broken page");
  EXPECT_EQ(TextOf(spans[1].attributes()).at("error.type"), "INTERNAL");
  EXPECT_EQ(spans[2].status(), StatusCode::kUnset);
  EXPECT_EQ(TextOf(spans[2].attributes()).at("rpc.grpc.status_code"), "0");
}

TEST(SelfTracer, WhatIsTooMuchIsDroppedAndWhatFailsIsCounted) {
  Written written;
  SelfTracerOptions options = written.Options();
  options.max_waiting = 3;
  options.flush_interval = std::chrono::hours(1);
  options.write = [](model::SpanBatch&&, const std::stop_token&) {
    return Status(Error(ErrorCode::kIo, "no"));
  };
  SelfTracer tracer(std::move(options));
  const auto handler = tracer.Http(Found, false);
  for (int i = 0; i < 5; ++i) (void)handler(Get("/"));
  EXPECT_EQ(tracer.counts().dropped, 2U);
  tracer.Stop();
  EXPECT_EQ(tracer.counts().failed, 3U);
  (void)handler(Get("/"));
  EXPECT_EQ(tracer.counts().dropped, 2U);
  EXPECT_EQ(tracer.counts().late, 1U) << "after the end nothing waits";
  EXPECT_THAT(written.spans(), IsEmpty());
}

// What is under way when the grace is over is given up: the writer waits for nothing else here.
TEST(SelfTracer, AStopGivesUpWhatTakesTooLong) {
  SelfTracerOptions options;
  options.flush_interval = std::chrono::hours(1);
  options.write = [](model::SpanBatch&&, const std::stop_token& give_up) -> Status {
    std::promise<void> given_up;
    const std::stop_callback on_stop(give_up, [&given_up] { given_up.set_value(); });
    given_up.get_future().wait();
    return Error(ErrorCode::kCancelled, "given up");
  };
  SelfTracer tracer(std::move(options));
  (void)tracer.Http(Found, false)(Get("/"));
  tracer.Stop(std::chrono::milliseconds(0));
  EXPECT_EQ(tracer.counts().failed, 1U);
}

// Each span that ends is counted once, whenever that is.
TEST(SelfTracer, SpansThatEndWhileItStopsAreCounted) {
  SelfTracerOptions options;
  options.flush_interval = std::chrono::hours(1);
  std::promise<void> writing, go_on;
  options.write = [&](model::SpanBatch&& batch, const std::stop_token&) -> Status {
    EXPECT_EQ(batch.size(), 2U);
    writing.set_value();
    go_on.get_future().wait();
    return {};
  };
  SelfTracer tracer(std::move(options));
  const auto handler = tracer.Http(Found, false);
  for (int i = 0; i < 2; ++i) (void)handler(Get("/before"));
  auto stopped = std::async(std::launch::async, [&tracer] { tracer.Stop(); });
  writing.get_future().wait();  // the last that it writes
  for (int i = 0; i < 3; ++i) (void)handler(Get("/meanwhile"));
  go_on.set_value();
  stopped.wait();
  for (int i = 0; i < 4; ++i) (void)handler(Get("/after"));
  const SelfTracerCounts counts = tracer.counts();
  EXPECT_EQ(counts.written, 2U);
  EXPECT_EQ(counts.late, 7U);
  EXPECT_EQ(counts.dropped + counts.failed, 0U);
}

TEST(SelfTracer, AStopTriesNothingAfterAFailure) {
  SelfTracerOptions options;
  options.flush_interval = std::chrono::hours(1);
  std::atomic<int> writes = 0;
  std::promise<void> failed;
  options.write = [&](model::SpanBatch&&, const std::stop_token&) -> Status {
    if (++writes == 1) failed.set_value();
    return Error(ErrorCode::kIo, "away");
  };
  SelfTracer tracer(std::move(options));
  const auto handler = tracer.Http(Found, false);
  constexpr int kOneWrite = 512;
  for (int i = 0; i < kOneWrite; ++i) (void)handler(Get("/"));
  failed.get_future().wait();
  (void)handler(Get("/"));
  tracer.Stop();
  EXPECT_EQ(writes, 1);
  EXPECT_EQ(tracer.counts().failed, 513U);
}

TEST(SelfTracer, AStreamedAnswerToHeadIsWhole) {
  Written written;
  SelfTracer tracer(written.Options());
  net::HttpRequest request = Get("/");
  request.method = "HEAD";
  (void)tracer.Http(
      [](const net::HttpRequest&) {
        net::HttpResponse response = net::HttpResponse::Json(200, "");
        response.stream = [](std::string& chunk) -> Result<bool> {
          chunk = "ab";
          return true;
        };
        return response;
      },
      false)(request);
  tracer.Stop();
  ASSERT_THAT(written.spans(), SizeIs(1));
  EXPECT_EQ(written.spans()[0].status(), StatusCode::kUnset);
  EXPECT_EQ(TextOf(written.spans()[0].attributes()).at("http.response.body.size"), "0");
}

// What a stranger sends makes no span of his length.
TEST(SelfTracer, TextsAreCut) {
  Written written;
  SelfTracer tracer(written.Options());
  net::HttpRequest request = Get("/" + std::string(50'000, 'p'));
  request.headers.emplace_back("traceparent", kSampled);
  request.headers.emplace_back("tracestate", std::string(5'000, 's'));
  (void)tracer.Http(Found, false)(request);
  tracer.Stop();
  ASSERT_THAT(written.spans(), SizeIs(1));
  EXPECT_EQ(TextOf(written.spans()[0].attributes()).at("url.path").size(), 1'024U);
  EXPECT_EQ(written.spans()[0].trace_state(), "");
}

}  // namespace
}  // namespace tracestore::server
