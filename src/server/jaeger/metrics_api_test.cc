// Service performance metrics, the archive and transform, without sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/jaeger/query_api_test_support.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;

// The trace began at 19:33:50.375 (1795376030375 ms).
constexpr const char* kTimes = "&endTs=1795376050000&lookback=20000&step=10000&ratePer=60000";

std::string Points(const std::string& values) {
  return R"("metricPoints":[)" + values + "]";
}
std::string Point(const std::string& value, const std::string& time) {
  return R"({"gaugeValue":{"doubleValue":)" + value + R"(},"timestamp":"2026-11-22T)" + time +
         "\"}";
}

TEST_F(JaegerQuery, CallsAreCountedByService) {
  const Answer answer = Get(std::string("/api/metrics/calls?service=fe") + kTimes);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.type, "application/json");
  EXPECT_EQ(answer.body,
            R"({"name":"service_call_rate","type":"GAUGE","help":"calls/sec, grouped by service",)"
            R"("metrics":[{"labels":[{"name":"service_name","value":"fe"}],)" +
                Points(Point("0", "19:33:50Z") + "," +
                       Point("0.016666666666666666", "19:34:00Z") + "," +
                       Point("0.016666666666666666", "19:34:10Z")) +
                "}]}");
}

TEST_F(JaegerQuery, CallsFallOutOfTheWindow) {
  const Answer answer = Get(
      "/api/metrics/calls?service=fe&endTs=1795376062500&lookback=20000&step=10000&ratePer=20000");
  EXPECT_THAT(answer.body,
              HasSubstr(Points(Point("0.05", "19:34:02.500Z") + "," +
                               Point("0.05", "19:34:12.500Z") + "," +
                               Point("0", "19:34:22.500Z"))));
}

TEST_F(JaegerQuery, LatenciesAreMilliseconds) {
  const Answer answer = Get(
      std::string("/api/metrics/latencies?service=fe&service=be&quantile=0.95") + kTimes);
  EXPECT_THAT(answer.body, HasSubstr(R"("name":"service_latencies")"));
  EXPECT_THAT(answer.body, HasSubstr("0.95th quantile latency, grouped by service"));
  // By service: 20 ms and 50 ms, within 2 %; no point where no span is.
  EXPECT_THAT(answer.body, testing::ContainsRegex(
      R"("be"}],"metricPoints":\[\{"gaugeValue":\{"doubleValue":(19\.[6-9]|20)[0-9.]*\},)"
      R"("timestamp":"2026-11-22T19:34:00Z")"));
  EXPECT_THAT(answer.body, testing::ContainsRegex(R"("fe"}],"metricPoints":\[\{"gaugeValue":)"
                                                  R"(\{"doubleValue":(49|50)[0-9.]*\})"));
}

TEST_F(JaegerQuery, ErrorsAreAShareOfCallsAndEqualSpansCountOnce) {
  const Answer answer = Get(
      std::string("/api/metrics/errors?service=be&service=fe&groupByOperation=true") + kTimes);
  EXPECT_THAT(answer.body, HasSubstr(R"("name":"service_operation_error_rate")"));
  EXPECT_THAT(answer.body, HasSubstr(R"({"labels":[{"name":"operation","value":"work"},)"
                                     R"({"name":"service_name","value":"be"}],)" +
                                     Points(Point("1", "19:34:00Z") + "," +
                                            Point("1", "19:34:10Z"))));
  EXPECT_THAT(answer.body, HasSubstr(R"("value":"GET /"})"));
  EXPECT_THAT(answer.body, Not(HasSubstr("call be")));  // a client's
}

TEST_F(JaegerQuery, MetricsLookAtTheKindsAskedFor) {
  EXPECT_THAT(
      Get(std::string("/api/metrics/calls?service=fe&spanKind=client&groupByOperation=1") + kTimes)
          .body,
      HasSubstr("call be"));
  EXPECT_THAT(
      Get(std::string("/api/metrics/calls?service=fe&spanKind=consumer") + kTimes).body,
      HasSubstr(R"("metrics":[]})"));
  EXPECT_EQ(Get("/api/metrics/minstep").body,
            R"({"data":10000,"total":0,"limit":0,"offset":0,"errors":null})");
}

TEST_F(JaegerQuery, MetricsRefuseInJaegersWords) {
  const auto refuses = [&](const std::string& target, const std::string& message) {
    ExpectError("/api/metrics/" + target, 400, message);
  };
  refuses("calls", "unable to parse param 'service': please provide at least one service name");
  refuses("errors?service=fe&spanKind=zz",
          "unable to parse param 'spanKind': unsupported span kind: 'zz'");
  refuses("latencies?service=fe", "unable to parse param 'quantile': strconv.ParseFloat: parsing "
                                  "\\\"\\\": invalid syntax");
  refuses("latencies?service=fe&quantile=2", "unable to parse param 'quantile': it is not from 0 to 1");
  refuses("calls?service=fe&step=x",
          "unable to parse param 'step': strconv.ParseInt: parsing \\\"x\\\": invalid syntax");
  refuses("calls?service=fe&step=0", "unable to parse param 'step': it must be at least 1");
  refuses("calls?service=fe&step=1",
          "the range has more than 11000 points: take a greater step or a shorter lookback");
  refuses("calls?service=fe&groupByOperation=maybe",
          "unable to parse param 'groupByOperation': strconv.ParseBool: parsing \\\"maybe\\\": "
          "invalid syntax");
}

TEST_F(JaegerQuery, ArchivesATrace) {
  const std::string path = "/api/archive/0af7651916cd43dd8448eb211c80319c";
  EXPECT_EQ(Get(path, "POST").body,
            R"({"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":500,)"
            R"("msg":"archive span storage was not configured"}]})" "\n");
  archive = [](TraceId id) -> Result<ArchiveResult> {
    ArchiveResult result;
    result.traces = id.low == 0x8448eb211c80319c ? 1 : 0;
    return result;
  };
  Serve({kTrace});
  const Answer answer = Get(path, "POST");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"data":[],"total":0,"limit":0,"offset":0,"errors":[]})");
  EXPECT_EQ(Get("/api/archive/deadbeef", "POST").status, 404);
  EXPECT_EQ(Get("/api/archive/zz", "POST").status, 400);
  EXPECT_EQ(Get(path).status, 405);
}

TEST_F(JaegerQuery, WhatTheStoreLacksIsLookedForInTheArchive) {
  AppendResult report;
  const auto other = SnapshotOfFiles({kTrace}, report);
  ASSERT_TRUE(other.has_value());
  archived = [other = *other](TraceId id) { return other.Get(id); };
  Serve({R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"000000000000000000000000000000aa",
             "spanId":"00f067aa0ba902b7","name":"x"}]}]}]})"});
  EXPECT_EQ(Get("/api/traces/aa").status, 200);
  EXPECT_THAT(Get("/api/traces/0af7651916cd43dd8448eb211c80319c").body, HasSubstr("call be"));
  EXPECT_EQ(Get("/api/v3/traces/aa").status, 200);
  EXPECT_THAT(Get("/api/v3/traces/0af7651916cd43dd8448eb211c80319c").body, HasSubstr("call be"));
  ExpectError("/api/traces/bb", 404, "trace not found");
  EXPECT_EQ(Get("/api/v3/traces/bb").status, 404);
}

TEST_F(JaegerQuery, TransformsOtlp) {
  const Answer answer = Get("/api/transform", "POST", kTrace);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, Get("/api/traces/0af7651916cd43dd8448eb211c80319c").body);
  const Answer bad = Get("/api/transform", "POST", "{bad");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr(R"("msg":"cannot unmarshal OTLP : )"));
}

}  // namespace
}  // namespace tracestore::server
