#include "ingest/forward/collector_strategies.h"

#include <gtest/gtest.h>

#include "codec/sampling/strategy_json.h"
#include "codec/sampling/strategy_proto.h"
#include "net/grpc_server.h"
#include "net/http_server.h"

namespace tracestore::ingest {
namespace {

using std::chrono::milliseconds;

codec::SamplingStrategy Probability(double probability) {
  codec::SamplingStrategy out;
  out.probability = probability;
  return out;
}

class CollectorStrategiesTest : public testing::Test {
 protected:
  std::unique_ptr<CollectorStrategies> Make(std::size_t collectors,
                                            CollectorStrategiesOptions options = {}) {
    std::vector<AskCollector> asks;
    answers_.assign(collectors, Probability(0.5));
    asked_.assign(collectors, 0);
    for (std::size_t i = 0; i < collectors; ++i) {
      asks.emplace_back(
          [this, i](std::string_view tenant, std::string_view) -> Result<codec::SamplingStrategy> {
            ++asked_[i];
            if (tenant == "shop") return Probability(0.125);
            if (!answers_[i].has_value())
              return Error(ErrorCode::kIo, "collector " + std::to_string(i));
            return *answers_[i];
          });
    }
    return std::make_unique<CollectorStrategies>(std::move(asks), options, [this] { return now_; });
  }
  std::vector<std::optional<codec::SamplingStrategy>> answers_;
  std::vector<int> asked_;
  std::chrono::steady_clock::time_point now_{};
};

TEST_F(CollectorStrategiesTest, AnswersAreKeptForAWhile) {
  const auto strategies = Make(1);
  EXPECT_EQ(*strategies->StrategyFor("a"), Probability(0.5));
  answers_[0] = Probability(0.25);
  now_ += milliseconds(9'999);
  EXPECT_EQ(*strategies->StrategyFor("a"), Probability(0.5));
  EXPECT_EQ(*strategies->StrategyFor("b"), Probability(0.25));
  now_ += milliseconds(1);
  EXPECT_EQ(*strategies->StrategyFor("a"), Probability(0.25));
  EXPECT_EQ(asked_[0], 3);
  EXPECT_EQ(strategies->counters().cached, 1U);
}

TEST_F(CollectorStrategiesTest, OldAnswersServeWhileNoCollectorDoes) {
  const auto strategies = Make(2);
  EXPECT_EQ(*strategies->StrategyFor("a"), Probability(0.5));
  answers_[0].reset();
  now_ += milliseconds(20'000);
  EXPECT_EQ(*strategies->StrategyFor("a"), Probability(0.5));  // the second one answers
  EXPECT_EQ(asked_[1], 1);
  answers_[1].reset();
  now_ += milliseconds(3'599'999);
  EXPECT_EQ(*strategies->StrategyFor("a"), Probability(0.5));
  EXPECT_EQ(strategies->counters().stale, 1U);
  now_ += milliseconds(1);
  EXPECT_EQ(strategies->StrategyFor("a").error().message(), "collector 0");
  EXPECT_EQ(strategies->StrategyFor("new").error().message(), "collector 0");
}

TEST_F(CollectorStrategiesTest, AreEachTenantsOwn) {
  const auto strategies = Make(1);
  EXPECT_EQ(*strategies->StrategyOf("pay", "a"), Probability(0.5));
  EXPECT_EQ(*strategies->StrategyOf("shop", "a"), Probability(0.125));
  EXPECT_EQ(*strategies->StrategyOf("pay", "a"), Probability(0.5));
  EXPECT_EQ(asked_[0], 2);
}

TEST_F(CollectorStrategiesTest, ServicesAreBounded) {
  CollectorStrategiesOptions options;
  options.max_services = 2;
  const auto strategies = Make(1, options);
  for (const char* service : {"a", "b", "a", "c", "a"}) {
    now_ += milliseconds(1);
    EXPECT_TRUE(strategies->StrategyFor(service).has_value());
  }
  EXPECT_EQ(asked_[0], 3);  // b went for c, not a
}

TEST_F(CollectorStrategiesTest, LongNamesAreNotKept) {
  const auto strategies = Make(1);
  const std::string name(1'025, 's');
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*strategies->StrategyFor(name), Probability(0.5));
  EXPECT_EQ(asked_[0], 2);
  EXPECT_EQ(strategies->counters().cached, 0U);
}

TEST(AskCollector, AsksByGrpcAndHttp) {
  auto grpc = net::GrpcServer::Start(
      {},
      {{"/jaeger.api_v2.SamplingManager/GetSamplingStrategy", [](const net::RawRequest& request) {
          const auto service = codec::DecodeStrategyRequest(request.message);
          return service.has_value() && *service == "a&b" && request.metadata("x-tenant") == "shop"
                     ? net::RawReply::Ok(codec::EncodeStrategyResponse(Probability(0.5)))
                     : net::RawReply::Fail(net::GrpcCode::kNotFound, "who?");
        }}});
  auto http = net::HttpServer::Start({}, [](const net::HttpRequest& request) {
    if (request.path != "/api/sampling" || request.query.first("service") != "a&b" ||
        request.header("x-tenant") != "shop")
      return net::HttpResponse::Text(400, "who?\n");
    return net::HttpResponse::Json(
        200, *codec::EncodeStrategyJson(Probability(0.25), codec::StrategyJson::kNames));
  });
  ASSERT_TRUE(grpc.has_value() && http.has_value());
  const auto address = [](std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); };
  const AskCollector by_grpc = *AskByGrpc(address((*grpc)->port()), milliseconds(10'000));
  const AskCollector by_http = *AskByHttp(address((*http)->port()), milliseconds(10'000));
  EXPECT_EQ(*by_grpc("shop", "a&b"), Probability(0.5));
  EXPECT_EQ(*by_http("shop", "a&b"), Probability(0.25));
  EXPECT_EQ(by_grpc("shop", "x").error().message(), "NOT_FOUND: who?");
  EXPECT_EQ(by_http("shop", "x").error().message(), "HTTP 400: who?\n");
  const AskCollector by_url =
      *AskByHttp("http://" + address((*http)->port()), milliseconds(10'000));
  EXPECT_EQ(*by_url("shop", "a&b"), Probability(0.25));
  EXPECT_FALSE(AskByGrpc("nonsense:port", milliseconds(1)).has_value());
}

}  // namespace
}  // namespace tracestore::ingest
