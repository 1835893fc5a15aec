// Deep dependencies and trace quality over HTTP: their shapes, parameters and windows. What they
// count is tested in src/query.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/jaeger/query_api_test_support.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;

constexpr const char* kPaths =
    R"({"dependencies":[{"path":[{"service":"fe","operation":"GET /"},)"
    R"({"service":"be","operation":"work"}],"attributes":[{"key":"exemplar_trace_id",)"
    R"("value":"0af7651916cd43dd8448eb211c80319c"}]}]})";
constexpr const char* kNone = R"({"dependencies":[]})";

class JaegerAnalytics : public JaegerQuery {};

TEST_F(JaegerAnalytics, PathsThroughAService) {
  for (const std::string path : {"/api/deep-dependencies", "/analytics/v1/dependencies"}) {
    for (const char* query : {"?service=be", "?service=fe&start=0&end=0", "?service=be&operation=work",
                              "?service=be&start=1795376030382022&end=1795376030382022"}) {
      const Answer answer = Get(path + query);
      EXPECT_EQ(answer.status, 200) << query;
      EXPECT_EQ(answer.type, "application/json");
      EXPECT_EQ(answer.body, kPaths) << query;
    }
    for (const char* query : {"?service=x", "?service=be&operation=x", "?service=be&start=1&end=2",
                              "?service=be&start=1795376030382023"}) {
      EXPECT_EQ(Get(path + query).body, kNone) << query;
    }
  }
  EXPECT_EQ(routes.front(), "/api/deep-dependencies 200");
}

TEST_F(JaegerAnalytics, PathsThroughAServiceWithoutAName) {
  Serve({R"({"resourceSpans":[{"scopeSpans":[{"spans":[
    {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"x",
     "startTimeUnixNano":"1795376030375022592","endTimeUnixNano":"1795376030425022592"}]}]}]})"});
  for (const std::string name : {"OTLPResourceNoServiceName", "empty-service-name"}) {
    EXPECT_THAT(Get("/api/deep-dependencies?service=" + name).body,
                HasSubstr(R"("path":[{"service":")" + name + R"(","operation":"x"}])"));
  }
}

TEST_F(JaegerAnalytics, WhatCannotBeAsked) {
  for (const auto& [target, why] :
       {std::pair("/api/deep-dependencies", "parameter 'service' is required"),
        std::pair("/analytics/v1/dependencies?service=", "parameter 'service' is required"),
        std::pair("/api/deep-dependencies?service=a&start=x", "unable to parse param 'start'"),
        std::pair("/api/deep-dependencies?service=a&start=9&end=3", "'end' should be greater"),
        std::pair("/api/quality-metrics", "parameter 'service' is required"),
        std::pair("/api/quality-metrics?service=a&hours=0", "it must be at least 1"),
        std::pair("/api/quality-metrics?service=a&hours=x", "unable to parse param 'hours'")}) {
    const Answer answer = Get(target);
    EXPECT_EQ(answer.status, 400) << target;
    EXPECT_THAT(answer.body, HasSubstr(R"("errors":[{"code":400,"msg":")"));
    EXPECT_THAT(answer.body, HasSubstr(why));
  }
}

TEST_F(JaegerAnalytics, QualityOfAServicesTraces) {
  const Answer answer = Get("/api/quality-metrics?service=be&hours=24");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.type, "application/json");
  EXPECT_THAT(answer.body, HasSubstr(R"({"traceQualityDocumentationLink":"https://)"));
  EXPECT_THAT(answer.body,
              HasSubstr(R"("scores":[{"key":"coverage","label":"Instrumentation Coverage",)"
                        R"("max":100,"value":100},{"key":"quality","label":"Trace Quality",)"
                        R"("max":100,"value":50}])"));
  EXPECT_THAT(answer.body,
              HasSubstr(R"("passCount":1,"passExamples":[{"traceID":)"
                        R"("0af7651916cd43dd8448eb211c80319c","spanIDs":["00f067aa0ba90302"]}],)"
                        R"("failureCount":0,"failureExamples":null,"exemptionCount":null,)"
                        R"("exemptionExamples":null,"details":null})"));
  EXPECT_THAT(answer.body, HasSubstr(R"("clients":[]})"));
  EXPECT_EQ(Get("/api/quality-metrics?service=x").body,
            R"({"traceQualityDocumentationLink":"https://opentelemetry.io/docs/concepts/signals/)"
            R"(traces/","scores":[],"metrics":[],"clients":[]})");
}

}  // namespace
}  // namespace tracestore::server
