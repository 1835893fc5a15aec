// The API without sockets, over a file of traces. Expected texts are those that v1.76 answered.
#include "server/jaeger/query_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/jaeger/query_api_test_support.h"

namespace tracestore::server {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// v1.76's answer for it.
constexpr const char* kTraceAnswer =
    R"({"data":[{"traceID":"0af7651916cd43dd8448eb211c80319c","spans":[{"traceID":"0af7651916cd43)"
    R"(dd8448eb211c80319c","spanID":"00f067aa0ba902b7","operationName":"GET /","references":[{"re)"
    R"(fType":"FOLLOWS_FROM","traceID":"0af7651916cd43dd8448eb211c80319d","spanID":"00f067aa0ba90)"
    R"(2b8"}],"startTime":1795376030375022,"duration":50000,"tags":[{"key":"arr","type":"string",)"
    R"("value":"[\"x\",1]"},{"key":"b","type":"bool","value":true},{"key":"bytes","type":"binary")"
    R"(,"value":"AQI="},{"key":"d","type":"float64","value":1.5},{"key":"http.status_code","type")"
    R"(:"int64","value":200},{"key":"otel.scope.name","type":"string","value":"lib"},{"key":"otel)"
    R"(.scope.version","type":"string","value":"1"},{"key":"span.kind","type":"string","value":"s)"
    R"(erver"}],"logs":[{"timestamp":1795376030375023,"fields":[{"key":"event","type":"string","v)"
    R"(alue":"ev"},{"key":"k","type":"string","value":"v"}]}],"processID":"p1","warnings":null},{)"
    R"("traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"00f067aa0ba90301","operationName":")"
    R"(call be","references":[{"refType":"CHILD_OF","traceID":"0af7651916cd43dd8448eb211c80319c",)"
    R"("spanID":"00f067aa0ba902b7"}],"startTime":1795376030380022,"duration":30000,"tags":[{"key")"
    R"(:"otel.scope.name","type":"string","value":"lib"},{"key":"otel.scope.version","type":"stri)"
    R"(ng","value":"1"},{"key":"span.kind","type":"string","value":"client"}],"logs":[],"processI)"
    R"(D":"p1","warnings":null},{"traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"00f067aa0)"
    R"(ba90302","operationName":"work","references":[{"refType":"CHILD_OF","traceID":"0af7651916c)"
    R"(d43dd8448eb211c80319c","spanID":"00f067aa0ba90301"}],"startTime":1795376030382022,"duratio)"
    R"(n":20000,"tags":[{"key":"error","type":"bool","value":true},{"key":"error","type":"bool",")"
    R"(value":true},{"key":"otel.status_code","type":"string","value":"ERROR"},{"key":"otel.statu)"
    R"(s_description","type":"string","value":"boom"},{"key":"span.kind","type":"string","value":)"
    R"("server"}],"logs":[],"processID":"p2","warnings":null}],"processes":{"p1":{"serviceName":")"
    R"(fe","tags":[{"key":"host.name","type":"string","value":"h1"}]},"p2":{"serviceName":"be","t)"
    R"(ags":[]}},"warnings":null}],"total":0,"limit":0,"offset":0,"errors":null})";

// A client of 30 ms, and its server on a host whose clock is a second behind.
constexpr const char* kSkewed = R"({"resourceSpans":[
 {"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"h1"}}]},"scopeSpans":[{
   "spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"call",
    "kind":3,"startTimeUnixNano":"1795376030000000000",
    "endTimeUnixNano":"1795376030030000000"}]}]},
 {"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"h2"}}]},"scopeSpans":[{
   "spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b8","name":"work",
    "kind":2,"parentSpanId":"00f067aa0ba902b7","startTimeUnixNano":"1795376029000000000",
    "endTimeUnixNano":"1795376029020000000",
    "events":[{"timeUnixNano":"1795376029010000000","name":"half"}]}]}]}]})";

TEST_F(JaegerQuery, SpansAreMovedForTheirClocksWhereThatIsOn) {
  Serve({kSkewed});
  const std::string target = "/api/traces/0af7651916cd43dd8448eb211c80319c";
  EXPECT_THAT(Get(target).body, HasSubstr("\"startTime\":1795376029000000,"));
  EXPECT_THAT(Get(target).body, HasSubstr("clock skew adjustment disabled; not applying"));
  max_clock_skew = std::chrono::seconds(2);
  Serve({kSkewed});
  const std::string moved = Get(target).body;
  EXPECT_THAT(moved, HasSubstr("\"startTime\":1795376030005000,"));
  EXPECT_THAT(moved, HasSubstr("\"timestamp\":1795376030015000,"));
  EXPECT_THAT(moved, testing::Not(HasSubstr("adjustment disabled")));
  EXPECT_THAT(Get(target + "?raw=true").body, HasSubstr("\"startTime\":1795376029000000,"));
  max_clock_skew = std::chrono::milliseconds(500);
  Serve({kSkewed});
  EXPECT_THAT(Get(target).body, HasSubstr("max clock skew adjustment delta of 500ms exceeded"));
}

TEST_F(JaegerQuery, NamesServicesAndOperations) {
  EXPECT_EQ(Get("/api/services").body,
            R"({"data":["be","fe"],"total":2,"limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(Get("/api/services").type, "application/json");
  EXPECT_EQ(Get("/api/services/fe/operations").body,
            R"({"data":["GET /","call be"],"total":2,"limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(Get("/api/services/nosuch/operations").body,
            R"({"data":null,"total":0,"limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(Get("/api/operations?service=fe").body,
            R"({"data":[{"name":"GET /","spanKind":"server"},)"
            R"({"name":"call be","spanKind":"client"}],)"
            R"("total":2,"limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(Get("/api/operations?service=fe&spanKind=server").body,
            R"({"data":[{"name":"GET /","spanKind":"server"}],)"
            R"("total":1,"limit":0,"offset":0,"errors":null})");
  ExpectError("/api/operations", 400, "parameter 'service' is required");
}

TEST_F(JaegerQuery, GivesATraceAsV176Does) {
  const std::string path = "/api/traces/0af7651916cd43dd8448eb211c80319c";
  const Answer answer = Get(path);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.type, "application/json");
  EXPECT_EQ(answer.body, kTraceAnswer);
  EXPECT_EQ(Get(path + "?start=1795376029375022&end=1795376031375022").body, kTraceAnswer);
  EXPECT_EQ(Get("/api/traces?service=fe&limit=5").body, kTraceAnswer);
  EXPECT_EQ(Get("/api/traces?traceID=0af7651916cd43dd8448eb211c80319c").body, kTraceAnswer);
}

TEST_F(JaegerQuery, RawKeepsWhatWasStored) {
  const std::string raw = Get("/api/traces/0af7651916cd43dd8448eb211c80319c?raw=true").body;
  std::size_t spans = 0;
  for (auto at = raw.find("\"operationName\""); at != std::string::npos;
       at = raw.find("\"operationName\"", at + 1)) {
    ++spans;
  }
  EXPECT_EQ(spans, 4u);
}

TEST_F(JaegerQuery, PrintsPrettily) {
  const Answer one = Get("/api/traces/0af7651916cd43dd8448eb211c80319c?prettyPrint=true");
  EXPECT_THAT(one.body, StartsWith("{\n    \"data\": [\n        {\n            \"traceID\": \""));
  const Answer found = Get("/api/traces?service=fe&prettyPrint=true");
  EXPECT_EQ(found.body, one.body);
  EXPECT_EQ(found.type, "application/json");
}

TEST_F(JaegerQuery, SaysWhatItCantFindOrRead) {
  ExpectError("/api/traces/deadbeef", 404, "trace not found");
  ExpectError("/api/traces/zzz", 400, R"(strconv.ParseUint: parsing \"zzz\": invalid syntax)");
  ExpectError("/api/traces/0af7651916cd43dd8448eb211c80319c?raw=maybe", 400,
              R"(unable to parse param 'raw': strconv.ParseBool: parsing \"maybe\": )"
              "invalid syntax");
  ExpectError("/api/traces", 400, "parameter 'service' is required");
  ExpectError("/api/traces?service=fe&lookback=1h&limit=abc", 400,
              R"(strconv.ParseInt: parsing \"abc\": invalid syntax)");
  ExpectError("/api/traces?service=fe&start=x", 400,
              R"(unable to parse param 'start': strconv.ParseInt: parsing \"x\": invalid syntax)");
  ExpectError("/api/traces?service=fe&minDuration=5", 400,
              R"(unable to parse param 'minDuration': time: missing unit in duration \"5\")");
  ExpectError("/api/traces?service=fe&minDuration=5ms&maxDuration=1ms", 400,
              "'maxDuration' should be greater than 'minDuration'");
  ExpectError("/api/traces?service=fe&tag=foo", 400,
              "malformed 'tag' parameter, expecting key:value, received: foo");
  ExpectError("/api/traces?service=fe&tags=zz", 400,
              "malformed 'tags' parameter, cannot unmarshal JSON: invalid character 'z' looking "
              "for beginning of value");
  ExpectError("/api/traces?traceID=zz", 400,
              R"(cannot parse traceID param: strconv.ParseUint: parsing \"zz\": invalid syntax)");
  ExpectError("/api/dependencies?endTs=x", 400,
              R"(unable to parse param 'endTs': strconv.ParseInt: parsing \"x\": invalid syntax)");
}

TEST_F(JaegerQuery, ReportsEachTraceIdThatIsMissing) {
  const Answer answer =
      Get("/api/traces?traceID=deadbeef&traceID=0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, StartsWith(R"({"data":[{"traceID":"0af7651916cd43dd8448eb211c80319c")"));
  EXPECT_THAT(answer.body,
              EndsWith(R"("errors":[{"msg":"trace not found","traceID":"00000000deadbeef"}]})"));
}

TEST_F(JaegerQuery, SearchesByWhatOneSpanShows) {
  EXPECT_EQ(Get("/api/traces?service=nosuch").body, kNothing);
  EXPECT_TRUE(Finds("service=fe&tag=http.status_code:200"));
  EXPECT_TRUE(Finds("service=fe&tags=%7B%22http.status_code%22%3A%22200%22%7D"));
  EXPECT_TRUE(Finds("service=fe&tag=host.name:h1&tag=k:v&tag=arr:%5B%22x%22,1%5D"));
  EXPECT_TRUE(Finds("service=be&tag=error:true"));
  // Shown as tags, kept as fields.
  EXPECT_TRUE(Finds("service=be&tag=otel.status_code:ERROR&tag=otel.status_description:boom"));
  EXPECT_TRUE(Finds("service=fe&tag=span.kind:client&tag=otel.scope.name:lib"));
  EXPECT_TRUE(Finds("service=fe&tag=event:ev"));
  EXPECT_FALSE(Finds("service=fe&tag=error:true"));
  EXPECT_FALSE(Finds("service=be&tag=http.status_code:200"));  // of another span
  EXPECT_TRUE(Finds("service=fe&operation=call%20be&minDuration=30ms&maxDuration=30ms"));
  EXPECT_FALSE(Finds("service=fe&operation=work"));
  EXPECT_FALSE(Finds("service=fe&minDuration=51ms"));
  EXPECT_FALSE(Finds("service=be&maxDuration=19ms"));
}

TEST_F(JaegerQuery, SearchesInTimeWithBothEndsIncluded) {
  EXPECT_TRUE(Finds("service=be&start=1795376030382022&end=1795376030382022"));
  EXPECT_FALSE(Finds("service=be&start=1795376030382023&end=1795376090000000"));
  EXPECT_FALSE(Finds("service=be&start=1&end=1795376030382021"));
  EXPECT_FALSE(Finds("service=be&start=1795376090000000&end=1795376030000000"));
  EXPECT_FALSE(Finds("service=be&end=-5"));
}

TEST_F(JaegerQuery, CountsCallsBetweenServices) {
  const std::string links = R"({"data":[{"parent":"fe","child":"be","callCount":1}],)"
                            R"("total":0,"limit":0,"offset":0,"errors":null})";
  EXPECT_EQ(Get("/api/dependencies").body, links);
  EXPECT_EQ(Get("/api/dependencies?endTs=1795376093393&lookback=3600000").body, links);
  EXPECT_EQ(Get("/api/dependencies?endTs=1795376093393&lookback=3600000&service=be").body, links);
  EXPECT_EQ(Get("/api/dependencies?endTs=1795376030000&lookback=1000").body, kNothing);
  EXPECT_EQ(Get("/api/dependencies?service=nosuch").body, kNothing);
}

TEST_F(JaegerQuery, NamesTheUnnamedServiceAsJaegerDoes) {
  Serve({R"({"resourceSpans":[{"scopeSpans":[{"spans":[
      {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"lone",
       "startTimeUnixNano":"1795376030375022592","endTimeUnixNano":"1795376030425022592"}]}]}]})"});
  EXPECT_EQ(Get("/api/services").body, R"({"data":["OTLPResourceNoServiceName"],"total":1,)"
                                       R"("limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(Get("/api/services/OTLPResourceNoServiceName/operations").body,
            R"({"data":["lone"],"total":1,"limit":0,"offset":0,"errors":null})");
  EXPECT_TRUE(Finds("service=OTLPResourceNoServiceName"));
}

TEST_F(JaegerQuery, NamesAServiceThatAJaegerClientLeftEmpty) {
  Serve({R"({"data":[{"traceID":"a1","spans":[
      {"traceID":"a1","spanID":"b1","operationName":"lone","references":[],"startTime":1795376030375022,
       "duration":5,"tags":[],"logs":[],"processID":"p1"}],
      "processes":{"p1":{"serviceName":"","tags":[]}}}]})"});
  EXPECT_THAT(Get("/api/services").body, HasSubstr(R"("data":["empty-service-name"])"));
  EXPECT_THAT(Get("/api/services/empty-service-name/operations").body,
              HasSubstr(R"("data":["lone"])"));
  EXPECT_THAT(Get("/api/services/OTLPResourceNoServiceName/operations").body,
              HasSubstr(R"("data":null)"));
  EXPECT_TRUE(Finds("service=empty-service-name"));
  EXPECT_THAT(Get("/api/traces/a1").body, HasSubstr(R"("serviceName":"empty-service-name")"));
  EXPECT_THAT(Get("/api/traces/a1?raw=true").body,
              HasSubstr(R"("serviceName":"empty-service-name")"));
}

TEST_F(JaegerQuery, ShowsANegativeDurationAsZeroWithAWarning) {
  Serve({R"({"resourceSpans":[{"scopeSpans":[{"spans":[
      {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"back",
       "startTimeUnixNano":"1795376030425022592","endTimeUnixNano":"1795376030375022592"}]}]}]})"});
  const std::string path = "/api/traces/0af7651916cd43dd8448eb211c80319c";
  for (const char* raw : {"", "?raw=true"}) {
    const std::string body = Get(path + raw).body;
    EXPECT_THAT(body, HasSubstr(R"("duration":0,)"));
    EXPECT_THAT(body, HasSubstr("the span ends before it starts; its duration is shown as 0"));
  }
}

TEST_F(JaegerQuery, RefusesWhatIsNoRoute) {
  EXPECT_EQ(Get("/api/nosuch").status, 404);
  EXPECT_EQ(Get("/api/nosuch").body, "404 page not found\n");
  EXPECT_EQ(Get("/api/services", "POST").status, 405);
  EXPECT_THAT(Get("/").body, HasSubstr("GET /api/traces/{traceID}"));
}

TEST_F(JaegerQuery, TellsTheObserverTheRoute) {
  Get("/api/traces/deadbeef");
  Get("/api/services");
  Get("/api/nosuch");
  EXPECT_THAT(routes, ElementsAre("/api/traces/{traceID} 404", "/api/services 200", "other 404"));
}

TEST_F(JaegerQuery, AQueryPastItsTimeSaysSo) {
  search_deadline = std::chrono::seconds(-1);
  Serve({kTrace});
  for (const char* target : {"/api/services", "/api/operations?service=fe",
                             "/api/traces?service=fe", "/api/dependencies?endTs=1795376093393"}) {
    ExpectError(target, 500, "the query's deadline has passed");
  }
  const Answer v3 = Get("/api/v3/services");
  EXPECT_EQ(v3.status, 500);
  EXPECT_THAT(v3.body, HasSubstr("the query's deadline has passed"));
}

TEST_F(JaegerQuery, ASearchGivesNoMoreTracesThanMayBe) {
  std::string other = kTrace;
  for (auto at = other.find("80319c"); at != std::string::npos; at = other.find("80319c"))
    other.replace(at, 6, "80319e");
  max_traces = 1;
  Serve({kTrace, other});
  const auto traces = [this](const std::string& target) {
    const std::string body = Get(target).body;
    std::size_t count = 0;
    for (const char* mark : {"80319c\",\"spans\"", "80319e\",\"spans\""})
      count += body.find(mark) != std::string::npos;
    return count;
  };
  EXPECT_EQ(traces("/api/traces?service=fe"), 1U);
  EXPECT_EQ(traces("/api/traces?service=fe&limit=0"), 1U);
  max_traces = 0;
  Serve({kTrace, other});
  EXPECT_EQ(traces("/api/traces?service=fe"), 2U);
}

}  // namespace
}  // namespace tracestore::server
