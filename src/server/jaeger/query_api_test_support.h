// The API without sockets, over files of traces.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "server/jaeger/query_api.h"

namespace tracestore::server {

// What was sent to v1.76, times in the same places: a trace of three spans in two services, the
// last one twice.
inline constexpr const char* kTrace = R"({"resourceSpans":[
 {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"fe"}},
                            {"key":"host.name","value":{"stringValue":"h1"}}]},
  "scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[
   {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"GET /",
    "kind":2,"startTimeUnixNano":"1795376030375022592","endTimeUnixNano":"1795376030425022592",
    "attributes":[{"key":"http.status_code","value":{"intValue":"200"}},
                  {"key":"d","value":{"doubleValue":1.5}},{"key":"b","value":{"boolValue":true}},
                  {"key":"bytes","value":{"bytesValue":"AQI="}},
                  {"key":"arr","value":{"arrayValue":{"values":[{"stringValue":"x"},
                                                                {"intValue":"1"}]}}}],
    "events":[{"timeUnixNano":"1795376030375023592","name":"ev",
               "attributes":[{"key":"k","value":{"stringValue":"v"}}]}],
    "links":[{"traceId":"0af7651916cd43dd8448eb211c80319d","spanId":"00f067aa0ba902b8"}]},
   {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba90301","name":"call be",
    "kind":3,"parentSpanId":"00f067aa0ba902b7",
    "startTimeUnixNano":"1795376030380022592","endTimeUnixNano":"1795376030410022592"}]}]},
 {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"be"}}]},
  "scopeSpans":[{"spans":[
   {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba90302","name":"work","kind":2,
    "parentSpanId":"00f067aa0ba90301",
    "startTimeUnixNano":"1795376030382022592","endTimeUnixNano":"1795376030402022592",
    "status":{"code":2,"message":"boom"},
    "attributes":[{"key":"error","value":{"boolValue":true}}]},
   {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba90302","name":"work","kind":2,
    "parentSpanId":"00f067aa0ba90301",
    "startTimeUnixNano":"1795376030382022592","endTimeUnixNano":"1795376030402022592",
    "status":{"code":2,"message":"boom"},
    "attributes":[{"key":"error","value":{"boolValue":true}}]}]}]}]})";

inline constexpr const char* kNothing = R"({"data":[],"total":0,"limit":0,"offset":0,"errors":null})";

struct Answer {
  int status = 0;
  std::string type;
  std::string body;
};

class JaegerQuery : public testing::Test {
 protected:
  void Serve(const std::vector<std::string>& files) {
    AppendResult report;
    auto snapshot = SnapshotOfFiles(files, report);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    JaegerQueryOptions options;
    options.snapshot = [shared = *snapshot]() -> Result<Snapshot> { return shared; };
    options.observer = [this](std::string_view route, int status, std::chrono::nanoseconds) {
      routes.push_back(std::string(route) + " " + std::to_string(status));
    };
    options.now = [] { return std::chrono::nanoseconds{1795376093393000000}; };
    options.max_clock_skew = max_clock_skew;
    options.max_traces = max_traces;
    options.search_deadline = search_deadline;
    options.archive = archive;
    options.archived = archived;
    handler = MakeJaegerQueryHandler(std::move(options));
  }
  void SetUp() override { Serve({kTrace}); }

  Answer Get(const std::string& target, const std::string& method = "GET",
             const std::string& body_sent = "") {
    net::HttpRequest request;
    request.method = method;
    request.body = body_sent;
    EXPECT_TRUE(request.SetTarget(target).has_value());
    net::HttpResponse response = handler(request);
    std::string body = response.body;
    if (response.stream) {
      for (bool more = true; more;) {
        std::string chunk;
        const auto result = response.stream(chunk);
        EXPECT_TRUE(result.has_value());
        more = result.has_value() && *result;
        body += chunk;
      }
    }
    return {response.status, response.content_type, body};
  }

  void ExpectError(const std::string& target, int status, const std::string& message) {
    const Answer answer = Get(target);
    EXPECT_EQ(answer.status, status) << target;
    EXPECT_EQ(answer.type, "application/json");
    EXPECT_EQ(answer.body, R"({"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":)" +
                               std::to_string(status) + R"(,"msg":")" + message + "\"}]}\n");
  }
  bool Finds(const std::string& parameters) {
    const Answer answer = Get("/api/traces?" + parameters);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body != kNothing;
  }

  // To be set before Serve().
  std::chrono::nanoseconds max_clock_skew{0};
  std::uint32_t max_traces = 0;
  std::chrono::seconds search_deadline{60};
  std::function<Result<ArchiveResult>(TraceId)> archive;
  std::function<Result<SpanList>(TraceId)> archived;

  net::HttpHandler handler;
  std::vector<std::string> routes;
};

}  // namespace tracestore::server
