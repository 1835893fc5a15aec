// API v3 without sockets. Expected texts are those that Jaeger v2.20 answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <string>

#include "server/jaeger/query_api_test_support.h"
#include "server/jaeger/v3_params.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;

class JaegerV3 : public JaegerQuery {
 protected:
  std::string Body(const std::string& target) {
    const Answer answer = Get("/api/v3/" + target);
    EXPECT_EQ(answer.status, 200) << target << ": " << answer.body;
    EXPECT_EQ(answer.type, "application/json");
    return answer.body;
  }
  void Refuses(const std::string& target, int status, const std::string& message) {
    const Answer answer = Get("/api/v3/" + target);
    EXPECT_EQ(answer.status, status) << target;
    EXPECT_EQ(answer.body, R"({"error":{"httpCode":)" + std::to_string(status) + R"(,"message":")" +
                               message + "\"}}");
  }
};

const std::string kDay =
    "query.start_time_min=2026-11-22T00:00:00Z&query.start_time_max=2026-11-23T00:00:00Z";
const std::string kId = "0af7651916cd43dd8448eb211c80319c";

TEST_F(JaegerV3, TellsNames) {
  EXPECT_EQ(Body("services"), R"({"services":["be","fe"]})");
  EXPECT_EQ(Body("operations?service=fe"),
            R"({"operations":[{"name":"GET /","spanKind":"server"},)"
            R"({"name":"call be","spanKind":"client"}]})");
  EXPECT_EQ(Body("operations?service=fe&spanKind=client"),
            R"({"operations":[{"name":"call be","spanKind":"client"}]})");
  EXPECT_EQ(Body("operations?service=fe&span_kind=internal"), R"({"operations":[]})");
  EXPECT_EQ(Body("operations"), R"({"operations":[]})");
}

TEST_F(JaegerV3, GivesATrace) {
  const std::string body = Body("traces/" + kId);
  EXPECT_TRUE(body.starts_with(R"({"result":{"resourceSpans":[{"resource":{"attributes":[)"));
  EXPECT_TRUE(body.ends_with("]}}"));
  EXPECT_THAT(body, HasSubstr(R"("startTimeUnixNano":"1795376030375022592")"));
  EXPECT_THAT(body, HasSubstr(R"({"key":"bytes","value":{"bytesValue":"AQI="}})"));
  const auto spans = [](const std::string& text) {
    std::size_t count = 0;
    for (auto at = text.find("\"spanId\""); at != std::string::npos;
         at = text.find("\"spanId\"", at + 1))
      ++count;
    return count - 1;  // one is of a link
  };
  EXPECT_EQ(spans(body), 3u);
  EXPECT_EQ(spans(Body("traces/" + kId + "?raw_traces=true")), 4u);
  EXPECT_EQ(spans(Body("traces/" + kId + "?rawTraces=true&startTime=2026-11-22T00:00:00Z")), 4u);
  Refuses("traces/deadbeef", 404, "No traces found");
  Refuses("traces/zzz", 400, "malformed parameter trace_id: invalid length for TraceID");
  Refuses("traces/" + kId + "?raw_traces=maybe", 400,
          R"(malformed parameter raw_traces: strconv.ParseBool: parsing \"maybe\": invalid syntax)");
}

TEST_F(JaegerV3, Searches) {
  const std::string all = Body("traces?" + kDay);
  EXPECT_TRUE(all.starts_with(R"({"result":{"resourceSpans":[{)"));
  EXPECT_TRUE(all.ends_with("}]}}"));
  EXPECT_EQ(Body("traces?query.serviceName=fe&query.startTimeMin=2026-11-22T20:00:00%2B01:00&"
                 "query.startTimeMax=2026-11-22T19:59:59.5Z"),
            all);
  EXPECT_EQ(Body("traces?" + kDay + "&query.operation_name=work&query.duration_min=20ms&"
                 "query.duration_max=20ms&query.attributes=%7B%22error%22:%22true%22%7D"),
            all);
  for (const char* none : {"query.service_name=nobody", "query.duration_min=1s",
                           "query.attributes=%7B%22error%22:%22false%22%7D"}) {
    Refuses("traces?" + kDay + "&" + none, 404, "No traces found");
  }
}

TEST_F(JaegerV3, Summarizes) {
  EXPECT_EQ(Body("trace-summaries?" + kDay),
            R"({"summaries":[{"traceId":"0af7651916cd43dd8448eb211c80319c","rootServiceName":"fe",)"
            R"("rootOperationName":"GET /","minStartTimeUnixNano":"1795376030375022592",)"
            R"("maxEndTimeUnixNano":"1795376030425022592","spanCount":3,"errorSpanCount":1,)"
            R"("services":[{"name":"be","spanCount":1,"errorSpanCount":1},)"
            R"({"name":"fe","spanCount":2}]}]})");
  EXPECT_EQ(Body("trace-summaries?" + kDay + "&query.service_name=nobody"), R"({"summaries":[]})");
  Refuses("trace-summaries", 400, "query.startTimeMin and query.startTimeMax are required");
}

TEST_F(JaegerV3, ManySummariesAreStreamedEachMadeWhenItsTurnComes) {
  std::string text = R"({"resourceSpans":[{"scopeSpans":[{"spans":[)";
  for (std::uint64_t i = 1; i <= 3'000; ++i) {
    text += R"({"traceId":")" + TraceId{1, i}.ToHex() + R"(","spanId":"00f067aa0ba902b7","name":")" +
            std::string(200, 'n') + R"(","startTimeUnixNano":"1795376030375022592"},)";
  }
  text.back() = ']';
  Serve({text + "}]}]}"});
  const std::string target = "trace-summaries?" + kDay + "&query.search_depth=5000";
  const std::string body = Body(target);
  EXPECT_TRUE(body.starts_with(R"({"summaries":[{"traceId":)"));
  EXPECT_TRUE(body.ends_with("}]}"));
  std::size_t count = 0;
  for (auto at = body.find("traceId"); at != std::string::npos; at = body.find("traceId", at + 1))
    ++count;
  EXPECT_EQ(count, 3'000U);
  EXPECT_EQ(body.find("}{"), std::string::npos);
  EXPECT_EQ(body.find(",,"), std::string::npos);

  std::stop_source stop;
  net::HttpRequest request;
  request.method = "GET";
  request.stop = stop.get_token();
  ASSERT_TRUE(request.SetTarget("/api/v3/" + target).has_value());
  const net::HttpResponse response = handler(request);
  ASSERT_TRUE(response.stream);
  std::string chunk;
  EXPECT_TRUE(response.stream(chunk).value());
  stop.request_stop();
  chunk.clear();
  EXPECT_FALSE(response.stream(chunk).has_value());
}

TEST_F(JaegerV3, LinksServices) {
  EXPECT_EQ(Body("dependencies?start_time=2026-11-22T00:00:00Z&end_time=2026-11-23T00:00:00Z"),
            R"({"dependencies":[{"parent":"fe","child":"be","callCount":"1"}]})");
  EXPECT_EQ(Body("dependencies?startTime=2020-11-22T00:00:00Z&endTime=2020-11-23T00:00:00Z"),
            R"({"dependencies":[]})");
  Refuses("dependencies", 400, "start_time and end_time are required");
}

TEST_F(JaegerV3, Refuses) {
  Refuses("traces", 400, "query.startTimeMin and query.startTimeMax are required");
  Refuses("traces?query.start_time_min=2026-11-23T00:00:00Z&query.start_time_max=2026-11-22T00:00:00Z",
          400, "query.startTimeMin must be before query.startTimeMax");
  Refuses("traces?query.start_time_min=yesterday&query.start_time_max=2026-11-22T00:00:00Z", 400,
          R"(malformed parameter query.start_time_min: parsing time \"yesterday\" as RFC 3339: it is )"
          "none, or out of range");
  Refuses("traces?" + kDay + "&query.num_traces=x", 400,
          R"(malformed parameter query.num_traces: strconv.ParseInt: parsing \"x\": invalid syntax)");
  Refuses("traces?" + kDay + "&query.duration_min=5", 400,
          R"(malformed parameter query.duration_min: time: missing unit in duration \"5\")");
  Refuses("traces?" + kDay + "&query.attributes=zz", 400,
          "malformed parameter query.attributes: invalid character 'z' looking for beginning of value");
}

TEST(Rfc3339, ReadsTimes) {
  const auto time = [](std::string_view text) { return ParseRfc3339(text).value_or(1); };
  EXPECT_EQ(time("1970-01-01T00:00:00Z"), 0u);
  EXPECT_EQ(time("2026-11-22T19:33:50.375022592Z"), 1795376030375022592u);
  EXPECT_EQ(time("2026-11-22T20:33:50.3750225929+01:00"), 1795376030375022592u);
  EXPECT_EQ(time("2024-02-29T00:00:00-00:30"), 1709166600000000000u);
  for (const char* bad :
       {"", "2026-11-22", "2026-11-22 19:33:50Z", "2026-13-22T19:33:50Z", "2023-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T19:33:50", "2026-11-22T19:33:50.Z",
        "2026-11-22T19:33:50Zx", "1969-12-31T23:59:59Z", "2600-01-01T00:00:00Z",
        "2026-11-22T19:33:50+1:00", "-026-11-22T19:33:50Z"}) {
    EXPECT_FALSE(ParseRfc3339(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace tracestore::server
