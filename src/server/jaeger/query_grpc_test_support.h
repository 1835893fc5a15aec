// The gRPC services without sockets, over files of traces.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/jaeger/query_api_test_support.h"
#include "server/jaeger/query_grpc.h"

namespace tracestore::server {

// The times of kTrace's spans, Unix nanoseconds.
inline constexpr std::uint64_t kTraceStart = 1795376030375022592;

struct GrpcAnswer {
  net::GrpcCode code = net::GrpcCode::kOk;
  std::string message;
  std::vector<std::string> messages;
};

// One trace of so many spans, each with an attribute of so many bytes.
inline std::string LargeTrace(std::size_t spans, std::size_t value_bytes) {
  std::string text = R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",)"
                     R"("value":{"stringValue":"big"}}]},"scopeSpans":[{"spans":[)";
  for (std::size_t i = 1; i <= spans; ++i) {
    const std::string id = std::to_string(1'000'000'000'000'000 + i);
    text += i == 1 ? "" : ",";
    text += R"({"traceId":"0af7651916cd43dd8448eb2100000001","spanId":")" + id +
            R"(","name":"step","startTimeUnixNano":"1795376030375022592",)"
            R"("endTimeUnixNano":"1795376030425022592","attributes":[{"key":"v",)"
            R"("value":{"stringValue":")" +
            std::string(value_bytes, 'x') + "\"}}]}";
  }
  return text + "]}]}]}";
}

class JaegerGrpc : public testing::Test {
 protected:
  void Serve(const std::vector<std::string>& files) {
    AppendResult report;
    auto snapshot = SnapshotOfFiles(files, report);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    options.snapshot = [shared = *snapshot]() -> Result<Snapshot> { return shared; };
    options.observer = [this](std::string_view route, int status, std::chrono::nanoseconds) {
      routes.push_back(std::string(route) + " " + std::to_string(status));
    };
    methods = JaegerQueryGrpcServices(options);
  }
  void SetUp() override { Serve({kTrace}); }

  GrpcAnswer CallBytes(const std::string& method, const std::string& message) {
    const auto found = methods.find(service + method);
    EXPECT_NE(found, methods.end()) << method;
    net::RawRequest request;
    request.method = found->first;
    request.message = message;
    request.stop = stop.get_token();
    net::RawReply reply = found->second(request);
    GrpcAnswer answer{reply.code, reply.message, {}};
    if (!reply.stream) {
      if (reply.code == net::GrpcCode::kOk) answer.messages.push_back(reply.bytes);
      return answer;
    }
    for (;;) {
      std::string bytes;
      if (const auto end = reply.stream(bytes)) return {end->code, end->message, answer.messages};
      answer.messages.push_back(bytes);
    }
  }
  template <typename Request>
  GrpcAnswer Call(const std::string& method, const Request& request) {
    return CallBytes(method, request.SerializeAsString());
  }
  // The one message of an answer.
  template <typename Response, typename Request>
  Response Ask(const std::string& method, const Request& request) {
    const GrpcAnswer answer = Call(method, request);
    EXPECT_EQ(answer.code, net::GrpcCode::kOk) << answer.message;
    EXPECT_EQ(answer.messages.size(), 1u);
    Response response;
    EXPECT_TRUE(!answer.messages.empty() && response.ParseFromString(answer.messages[0]));
    return response;
  }
  template <typename Request>
  void Refuses(const std::string& method, const Request& request, net::GrpcCode code,
               const std::string& message) {
    const GrpcAnswer answer = Call(method, request);
    EXPECT_EQ(answer.code, code) << answer.message;
    EXPECT_EQ(answer.message, message);
    EXPECT_TRUE(answer.messages.empty());
  }

  std::string service;         // "/jaeger.api_v2.QueryService/"
  JaegerQueryOptions options;  // to be set before Serve()
  net::RawGrpcServices methods;
  std::stop_source stop;
  std::vector<std::string> routes;
};

}  // namespace tracestore::server
