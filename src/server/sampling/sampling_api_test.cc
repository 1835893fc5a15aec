#include "server/sampling/sampling_api.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "codec/sampling/strategy_proto.h"
#include "net/http_server.h"
#include "net/loopback_test_client.h"

namespace tracestore::server {
namespace {

class Provider final : public sampling::StrategyProvider, public sampling::BaggageProvider {
 public:
  Result<codec::SamplingStrategy> StrategyFor(std::string_view service) override {
    if (service == "down") return Error(ErrorCode::kIo, "no collector answers");
    codec::SamplingStrategy out;
    out.probability = service == "nan" ? std::nan("") : 0.001;
    if (service == "limited") {
      out = {};
      out.type = codec::StrategyType::kRateLimiting;
      out.traces_per_second = 42;
    }
    return out;
  }
  Result<std::vector<codec::BaggageRestriction>> RestrictionsFor(
      std::string_view service) override {
    if (service == "down") return Error(ErrorCode::kIo, "no collector answers");
    return std::vector<codec::BaggageRestriction>{{"user", 64}};
  }
};

class SamplingApiTest : public testing::Test {
 protected:
  SamplingApiOptions Options() {
    SamplingApiOptions options;
    options.strategies = &provider_;
    options.observer = [this](SamplingOutcome outcome) { ++outcomes_[outcome]; };
    return options;
  }
  // "200 application/json body"
  static std::string Ask(const net::HttpHandler& handler, const std::string& target,
                         const std::string& method = "GET") {
    net::HttpRequest request;
    request.method = method;
    EXPECT_TRUE(request.SetTarget(target).has_value());
    const net::HttpResponse response = handler(request);
    return std::to_string(response.status) + " " + response.content_type + " " + response.body;
  }

  Provider provider_;
  std::map<SamplingOutcome, int> outcomes_;
};

const std::string kText = " text/plain; charset=utf-8 ";
const std::string kOnce = "400" + kText + "'service' parameter must be provided once\n";

TEST_F(SamplingApiTest, AnswersBothShapes) {
  const auto handler = MakeSamplingHandler(Options());
  const std::string names =
      R"(200 application/json {"strategyType":"PROBABILISTIC",)"
      R"("probabilisticSampling":{"samplingRate":0.001}})";
  EXPECT_EQ(Ask(handler, "/sampling?service=fe"), names);
  EXPECT_EQ(Ask(handler, "/api/sampling?service=fe"), names);
  EXPECT_EQ(Ask(handler, "/sampling?service="), names);
  EXPECT_EQ(
      Ask(handler, "/?service=fe"),
      R"(200 application/json {"strategyType":0,"probabilisticSampling":{"samplingRate":0.001}})");
  EXPECT_EQ(
      Ask(handler, "/?service=limited"),
      R"(200 application/json {"strategyType":1,)"
      R"("rateLimitingSampling":{"maxTracesPerSecond":42}})");
  EXPECT_EQ(outcomes_[SamplingOutcome::kSampling], 3);
  EXPECT_EQ(outcomes_[SamplingOutcome::kSamplingLegacy], 2);
}

TEST_F(SamplingApiTest, RefusesInJaegersWords) {
  const auto handler = MakeSamplingHandler(Options());
  for (const std::string path : {"/", "/sampling", "/api/sampling", "/baggageRestrictions"}) {
    EXPECT_EQ(Ask(handler, path), kOnce);
    EXPECT_EQ(Ask(handler, path + "?service=a&service=b"), kOnce);
    EXPECT_EQ(Ask(handler, path + "?Service=a"), kOnce);
  }
  EXPECT_EQ(Ask(handler, "/sampling?service=down"),
            "500" + kText + "collector error: no collector answers\n");
  EXPECT_EQ(Ask(handler, "/?service=nan"), "500" + kText + "cannot marshall to JSON\n");
  EXPECT_EQ(Ask(handler, "/other?service=a"), "404" + kText + "404 page not found\n");
  EXPECT_EQ(Ask(handler, "/sampling?service=a", "POST").substr(0, 3), "405");
  EXPECT_EQ(outcomes_[SamplingOutcome::kBadRequest], 12);
  EXPECT_EQ(outcomes_[SamplingOutcome::kProviderFailure], 1);
  EXPECT_EQ(outcomes_[SamplingOutcome::kEncodeFailure], 1);
}

TEST_F(SamplingApiTest, BaggageRestrictionsComeFromTheirProvider) {
  EXPECT_EQ(Ask(MakeSamplingHandler(Options()), "/baggageRestrictions?service=a"),
            "200 application/json []");
  auto options = Options();
  options.baggage = &provider_;
  const auto handler = MakeSamplingHandler(options);
  EXPECT_EQ(Ask(handler, "/baggageRestrictions?service=a"),
            R"(200 application/json [{"baggageKey":"user","maxValueLength":64}])");
  EXPECT_EQ(Ask(handler, "/baggageRestrictions?service=down"),
            "500" + kText + "collector error: no collector answers\n");
}

TEST_F(SamplingApiTest, TheCollectorsPortHasOnePath) {
  const auto handler = MakeCollectorSamplingHandler(Options());
  EXPECT_EQ(Ask(handler, "/api/sampling?service=fe").substr(0, 3), "200");
  EXPECT_EQ(Ask(handler, "/api/sampling"), kOnce);
  EXPECT_EQ(Ask(handler, "/sampling?service=fe").substr(0, 3), "404");
  EXPECT_EQ(Ask(handler, "/?service=fe").substr(0, 3), "404");
}

TEST_F(SamplingApiTest, ServesOverASocket) {
  auto server = net::HttpServer::Start({}, MakeSamplingHandler(Options()));
  ASSERT_TRUE(server.has_value()) << server.error().message();
  net::LoopbackClient client((*server)->port());
  ASSERT_TRUE(client.Send("GET /?service=a%26b HTTP/1.1\r\nHost: x\r\n\r\n"));
  const net::TestAnswer answer = net::ReadAnswer(client);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"strategyType":0,"probabilisticSampling":{"samplingRate":0.001}})");
}

net::RawReply Call(const net::RawGrpcServices& services, std::string_view message) {
  net::RawRequest request;
  request.message = message;
  return services.at("/jaeger.api_v2.SamplingManager/GetSamplingStrategy")(request);
}

TEST_F(SamplingApiTest, AnswersOverGrpc) {
  const auto services = SamplingGrpcServices(Options());
  const auto reply = Call(services, codec::EncodeStrategyRequest("limited"));
  EXPECT_EQ(reply.code, net::GrpcCode::kOk);
  const auto strategy = codec::DecodeStrategyResponse(reply.bytes);
  ASSERT_TRUE(strategy.has_value());
  EXPECT_EQ(strategy->traces_per_second, 42);

  EXPECT_EQ(Call(services, codec::EncodeStrategyRequest("down")).code, net::GrpcCode::kUnknown);
  EXPECT_EQ(Call(services, codec::EncodeStrategyRequest("down")).message, "no collector answers");
  EXPECT_EQ(Call(services, "\x0A\x7F").code, net::GrpcCode::kInternal);
}

}  // namespace
}  // namespace tracestore::server
