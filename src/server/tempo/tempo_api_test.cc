// The API without sockets, over files of traces.
#include "server/tempo/tempo_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "codec/wire/wire_reader.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A trace of 128 bits with all that a span has, and a short one whose root never came.
constexpr const char* kOtlp = R"({"resourceSpans":[
 {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"front"}},
                            {"key":"cluster","value":{"stringValue":"eu"}}]},
  "scopeSpans":[{"scope":{"name":"lib","version":"1.2","attributes":[
                  {"key":"lib.flag","value":{"boolValue":true}}]},
   "spans":[
    {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"GET /cart",
     "kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000250000000",
     "attributes":[{"key":"http.status_code","value":{"intValue":"500"}},
                   {"key":"a/b","value":{"stringValue":"slash"}},
                   {"key":"x y","value":{"stringValue":"blank"}},
                   {"key":"ratio","value":{"doubleValue":0.5}},
                   {"key":"hollow","value":{"stringValue":""}}],
     "events":[{"timeUnixNano":"1700000000000000001","name":"retry",
                "attributes":[{"key":"attempt","value":{"intValue":"2"}}]}],
     "links":[{"traceId":"0af7651916cd43dd8448eb211c80319d","spanId":"0000000000000001",
               "attributes":[{"key":"why","value":{"stringValue":"batch"}}]}],
     "status":{"code":2,"message":"boom"}}]}]},
 {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"back"}}]},
  "scopeSpans":[{"spans":[
    {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b8",
     "parentSpanId":"00f067aa0ba902b7","name":"query","kind":3,
     "startTimeUnixNano":"1700000000100000000","endTimeUnixNano":"1700000000150000000",
     "attributes":[{"key":"db.statement","value":{"stringValue":"SELECT 1"}}]},
    {"traceId":"00000000000000000000000000abc001","spanId":"0000000000000009",
     "parentSpanId":"0000000000000008","name":"late","kind":1,
     "startTimeUnixNano":"1700000100000000000","endTimeUnixNano":"1700000100000400000"}]}]}]})";

constexpr const char* kBig = "/api/traces/0af7651916cd43dd8448eb211c80319c";

class TempoApi : public testing::Test {
 protected:
  void SetUp() override { Serve({}); }
  void Serve(TempoQueryOptions options) {
    AppendResult report;
    auto snapshot = SnapshotOfFiles({kOtlp}, report);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    ASSERT_EQ(report.accepted, 3U) << report.first_error;
    if (!options.snapshot)
      options.snapshot = [shared = *snapshot]() -> Result<Snapshot> { return shared; };
    options.observer = [this](std::string_view route, int status, std::chrono::nanoseconds) {
      routes.push_back(std::string(route) + " " + std::to_string(status));
    };
    handler = MakeTempoQueryHandler(std::move(options));
  }

  net::HttpResponse Get(const std::string& target, const std::string& accept = "",
                        const std::string& method = "GET") {
    net::HttpRequest request;
    request.method = method;
    if (!accept.empty()) request.headers.emplace_back("Accept", accept);
    EXPECT_TRUE(request.SetTarget(target).has_value()) << target;
    return handler(request);
  }
  std::string Body(const std::string& target) {
    const net::HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    return response.body;
  }
  std::string Protobuf(const std::string& target) {
    const net::HttpResponse response = Get(target, "application/protobuf");
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    EXPECT_EQ(response.content_type, "application/protobuf");
    return response.body;
  }
  void Refuses(const std::string& target, const std::string& sentence, int status = 400) {
    const net::HttpResponse response = Get(target);
    EXPECT_EQ(response.status, status) << target;
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(response.body, sentence) << target;
  }
  // Trace ids of a search, in the order of the answer.
  std::vector<std::string> Finds(const std::string& parameters) {
    const std::string body = Body("/api/search?" + parameters);
    std::vector<std::string> ids;
    constexpr std::string_view kKey = "\"traceID\":\"";
    for (auto at = body.find(kKey); at != std::string::npos; at = body.find(kKey, at + 1)) {
      const auto begin = at + kKey.size();
      ids.push_back(body.substr(begin, body.find('"', begin) - begin));
    }
    return ids;
  }

  net::HttpHandler handler;
  std::vector<std::string> routes;
};

using Ids = std::vector<std::string>;
const std::string kFirst = "af7651916cd43dd8448eb211c80319c";
const std::string kLate = "abc001";

TEST_F(TempoApi, ATraceAsProtobufsJson) {
  const std::string body = Body(kBig);
  EXPECT_THAT(body, StartsWith(R"({"batches":[{"resource":{"attributes":[{"key":"service.name")"));
  EXPECT_THAT(body, HasSubstr(R"("traceId":"CvdlGRbNQ92ESOshHIAxnA==","spanId":"APBnqgupArc=")"));
  EXPECT_THAT(body, HasSubstr(R"("parentSpanId":"APBnqgupArc=")"));
  EXPECT_THAT(body, HasSubstr(R"("kind":"SPAN_KIND_SERVER")"));
  EXPECT_THAT(body, HasSubstr(R"("startTimeUnixNano":"1700000000000000000")"));
  EXPECT_THAT(body, HasSubstr(R"("status":{"message":"boom","code":"STATUS_CODE_ERROR"})"));
  EXPECT_THAT(body, HasSubstr(R"("status":{})"));
  EXPECT_THAT(body, HasSubstr(R"({"intValue":"500"})"));
  EXPECT_EQ(routes.back(), "/api/traces/{id} 200");
}

TEST_F(TempoApi, ATraceOfV2IsWrapped) {
  const std::string body = Body("/api/v2/traces/0af7651916cd43dd8448eb211c80319c?start=1&end=2");
  EXPECT_THAT(body, StartsWith(R"({"trace":{"resourceSpans":[{"resource":)"));
  EXPECT_THAT(body, HasSubstr(R"("metrics":{}})"));
  // The same spans, in the field of the message.
  const std::string plain = Protobuf(kBig);
  const std::string wrapped = Protobuf("/api/v2/traces/0AF7651916CD43DD8448EB211C80319C");
  codec::WireReader reader(wrapped);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.tag(), codec::WireTag(1, codec::kWireBytes));
  EXPECT_EQ(reader.Bytes(), plain);
}

TEST_F(TempoApi, WhatIsNotThereIs404OrEmpty) {
  const net::HttpResponse response = Get("/api/traces/1234");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(Body("/api/v2/traces/1234"), R"({"trace":{},"metrics":{}})");
  EXPECT_EQ(Protobuf("/api/v2/traces/1234"), std::string("\x0a\x00\x12\x00", 4));
}

TEST_F(TempoApi, ShortIdsArePadded) {
  EXPECT_THAT(Body("/api/traces/abc001"), HasSubstr("late"));
  EXPECT_THAT(Body("/api/v2/traces/0000ABC001"), HasSubstr("late"));
  Refuses("/api/traces/zz",
          "trace IDs can only contain hex characters: invalid character 'z' at position 1");
  Refuses("/api/v2/traces/" + std::string(33, '1'), "trace IDs can't be larger than 128 bits");
  Refuses("/api/traces/1?start=abc",
          "invalid start: strconv.ParseInt: parsing \"abc\": invalid syntax");
}

TEST_F(TempoApi, ASearchTellsTraces) {
  EXPECT_EQ(Body("/api/search?tags=service.name%3Dfront"),
            R"({"traces":[{"traceID":"af7651916cd43dd8448eb211c80319c","rootServiceName":"front",)"
            R"("rootTraceName":"GET /cart","startTimeUnixNano":"1700000000000000000",)"
            R"("durationMs":250}],"metrics":{"completedJobs":1,"totalJobs":1}})");
  // Less than a millisecond is no duration; without its root a trace says so.
  EXPECT_EQ(Body("/api/search?tags=name%3Dlate"),
            R"({"traces":[{"traceID":"abc001","rootServiceName":"<root span not yet received>",)"
            R"("startTimeUnixNano":"1700000100000000000"}],)"
            R"("metrics":{"completedJobs":1,"totalJobs":1}})");
  EXPECT_EQ(Body("/api/search?tags=service.name%3Dnobody"),
            R"({"traces":[],"metrics":{"completedJobs":1,"totalJobs":1}})");
}

TEST_F(TempoApi, TagsAreMetAnywhereInTheTrace) {
  EXPECT_EQ(Finds(""), (Ids{kLate, kFirst}));
  EXPECT_EQ(Finds("limit=1"), (Ids{kLate}));
  EXPECT_EQ(Finds("tags=service.name%3Dfront+db.statement%3D%22SELECT+1%22"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=service.name%3DBAC"), (Ids{kLate, kFirst}));  // a part, in any case
  EXPECT_EQ(Finds("tags=db.statement%3Dselect"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=db.statement%3Dsel.ct"), Ids());
  EXPECT_EQ(Finds("tags=http.status_code%3D500"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=cluster%3Deu"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=attempt%3D2"), Ids());  // of an event
  EXPECT_EQ(Finds("tags=name%3Dquery"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=root.name%3Dquery"), Ids());
  EXPECT_EQ(Finds("tags=root.name%3Dcart"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=root.service.name%3Dfront"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=status.code%3Derror"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=status.code%3D2"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=status.code%3Dok"), Ids());
  EXPECT_EQ(Finds("tags=error%3Dtrue"), (Ids{kFirst}));
  EXPECT_EQ(Finds("tags=db.statement"), Ids());  // a bare key finds an empty value alone
  EXPECT_EQ(Finds("tags=hollow"), (Ids{kFirst}));
}

TEST_F(TempoApi, DurationsAndTimesBound) {
  EXPECT_EQ(Finds("minDuration=250ms"), (Ids{kFirst}));
  EXPECT_EQ(Finds("minDuration=251ms"), Ids());
  EXPECT_EQ(Finds("maxDuration=1ms"), (Ids{kLate}));
  EXPECT_EQ(Finds("start=1699999999&end=1700000000"), (Ids{kFirst}));
  EXPECT_EQ(Finds("start=1700000001&end=1700000100"), (Ids{kLate}));
  EXPECT_EQ(Finds("start=1700000101&end=1700000102"), Ids());
}

TEST_F(TempoApi, AnEmptyQueryTellsSpans) {
  const std::string body = Body("/api/search?q=%7B%7D&spss=1&start=1699999999&end=1700000001");
  const std::string set =
      R"({"spans":[{"spanID":"00f067aa0ba902b7","startTimeUnixNano":"1700000000000000000",)"
      R"("durationNanos":"250000000"}],"matched":2})";
  EXPECT_THAT(body, HasSubstr("\"spanSet\":" + set + ",\"spanSets\":[" + set + "]"));
  EXPECT_THAT(body, HasSubstr(R"("serviceStats":{"back":{"spanCount":1},)"
                              R"("front":{"spanCount":1,"errorCount":1}})"));
  EXPECT_THAT(Body("/api/search?q="), Not(HasSubstr("spanSet")));
  Refuses("/api/search?q=%7B.a%3D1%7D",
          "TraceQL is not built yet: search by tags, minDuration and maxDuration, or with q={}",
          501);
  Refuses("/api/search?tags=a%3Db&q=%7B%7D",
          "invalid request: can't specify tags and q in the same query");
}

TEST_F(TempoApi, ASearchAsProtobuf) {
  const std::string body = Protobuf("/api/search?tags=name%3Dlate");
  codec::WireReader reader(body);
  ASSERT_TRUE(reader.Next());
  codec::WireReader trace(reader.Bytes());
  ASSERT_TRUE(trace.Next());
  EXPECT_EQ(trace.Bytes(), "abc001");
  ASSERT_TRUE(trace.Next());
  EXPECT_EQ(trace.Bytes(), "<root span not yet received>");
  ASSERT_TRUE(trace.Next());
  EXPECT_EQ(trace.tag(), codec::WireTag(4, codec::kWireVarint));
  EXPECT_EQ(trace.Varint(), 1'700'000'100'000'000'000U);
  EXPECT_FALSE(trace.Next());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.tag(), codec::WireTag(2, codec::kWireBytes));
}

TEST_F(TempoApi, NamesOfTags) {
  EXPECT_EQ(Body("/api/search/tags"),
            R"({"tagNames":["a/b","attempt","cluster","db.statement","hollow","http.status_code",)"
            R"("lib.flag","ratio","service.name","why","x y"],"metrics":{}})");
  EXPECT_EQ(Body("/api/search/tags?scope=resource"),
            R"({"tagNames":["cluster","service.name"],"metrics":{}})");
  const std::string body = Body("/api/v2/search/tags?limit=5000");
  EXPECT_THAT(body, StartsWith(
      R"({"scopes":[{"name":"event","tags":["attempt"]},)"
      R"({"name":"instrumentation","tags":["lib.flag"]},{"name":"link","tags":["why"]},)"
      R"({"name":"resource","tags":["cluster","service.name"]},)"
      R"({"name":"span","tags":["a/b","db.statement","hollow","http.status_code","ratio","x y"]},)"
      R"({"name":"intrinsic","tags":["duration","event:name")"));
  EXPECT_EQ(Body("/api/v2/search/tags?scope=link&q=%7Bbad"),
            R"({"scopes":[{"name":"link","tags":["why"]}],"metrics":{}})");
  EXPECT_EQ(Body("/api/v2/search/tags?scope=resource&limit=1"),
            R"({"scopes":[{"name":"resource","tags":["cluster"]}],"metrics":{}})");
  EXPECT_EQ(Get("/api/v2/search/tags?limit=x").status, 200);
  Refuses("/api/search/tags?scope=zz", "invalid scope: zz");
  EXPECT_EQ(Protobuf("/api/search/tags?scope=link"), "\x0a\x03why");
  EXPECT_EQ(Protobuf("/api/v2/search/tags?scope=link"), "\x0a\x0b\x0a\x04link\x12\x03why");
}

TEST_F(TempoApi, ValuesOfTags) {
  const auto values = [this](const std::string& tag) {
    return Body("/api/search/tag/" + tag + "/values");
  };
  EXPECT_EQ(values("service.name"), R"({"tagValues":["back","front"],"metrics":{}})");
  EXPECT_EQ(values("http.status_code"), R"({"tagValues":["500"],"metrics":{}})");
  EXPECT_EQ(values("name"), R"({"tagValues":["GET /cart","late","query"],"metrics":{}})");
  EXPECT_EQ(values("status.code"),
            R"({"tagValues":["0","2","error","ok","unset"],"metrics":{}})");
  EXPECT_EQ(values("status"), R"({"tagValues":[],"metrics":{}})");
  EXPECT_EQ(values("nothing"), R"({"tagValues":[],"metrics":{}})");
  EXPECT_THAT(Body("/api/search/tag/service.name/values?limit=1"),
              testing::AnyOf(R"({"tagValues":["back"],"metrics":{}})",
                             R"({"tagValues":["front"],"metrics":{}})"));
  Refuses("/api/search/tag/service.name/values?limit=x",
          "invalid limit: strconv.ParseUint: parsing \"x\": invalid syntax");
  EXPECT_EQ(Protobuf("/api/search/tag/cluster/values"), "\x0a\x02" "eu");
}

TEST_F(TempoApi, ValuesOfTagsWithTheirTypes) {
  const auto values = [this](const std::string& tag) {
    return Body("/api/v2/search/tag/" + tag + "/values?q=%7Bresource.cluster%3D%7D");
  };
  const auto one = [](const std::string& type, const std::string& value) {
    return R"({"tagValues":[{"type":")" + type + R"(","value":")" + value +
           R"("}],"metrics":{}})";
  };
  EXPECT_EQ(values("resource.cluster"), one("string", "eu"));
  EXPECT_EQ(values(".cluster"), one("string", "eu"));
  EXPECT_EQ(values("span.cluster"), R"({"tagValues":[],"metrics":{}})");
  EXPECT_EQ(values("span.http.status_code"), one("int", "500"));
  EXPECT_EQ(values("span.ratio"), one("float", "0.5"));
  EXPECT_EQ(values("instrumentation.lib.flag"), one("bool", "true"));
  EXPECT_EQ(values("event.attempt"), one("int", "2"));
  EXPECT_EQ(values("link.why"), one("string", "batch"));
  EXPECT_EQ(values("span.a%2Fb"), one("string", "slash"));
  EXPECT_EQ(values("span.a%252Fb"), R"({"tagValues":[],"metrics":{}})");
  EXPECT_EQ(values("span.%22x%20y%22"), one("string", "blank"));
  EXPECT_EQ(values("span.hollow"), R"({"tagValues":[{"type":"string"}],"metrics":{}})");
  EXPECT_EQ(values("instrumentation:name"), one("string", "lib"));
  EXPECT_EQ(values("instrumentation:version"), one("string", "1.2"));
  EXPECT_EQ(values("event:name"), one("string", "retry"));
  EXPECT_EQ(values("statusMessage"), one("string", "boom"));
  EXPECT_EQ(values("rootName"), one("string", "GET /cart"));
  EXPECT_EQ(values("trace:rootService"), one("string", "front"));
  EXPECT_EQ(values("duration"), R"({"tagValues":[],"metrics":{}})");
  EXPECT_THAT(values("status"), HasSubstr(R"({"type":"keyword","value":"unset"})"));
  EXPECT_THAT(values("kind"), HasSubstr(R"({"type":"keyword","value":"unspecified"})"));
  EXPECT_EQ(Protobuf("/api/v2/search/tag/resource.cluster/values"),
            "\x0a\x0c\x0a\x06string\x12\x02" "eu");
  Refuses("/api/v2/search/tag/service.name/values",
          "please provide a valid tagName: failed to parse identifier service.name: parse error at "
          "line 1, col 2: unknown identifier: service");
}

TEST_F(TempoApi, TellsOfItself) {
  EXPECT_EQ(Get("/api/echo").body, "echo");
  EXPECT_THAT(Body("/api/status/buildinfo"), HasSubstr("\"version\":\""));
  EXPECT_EQ(Get("/ready").body, "ready");
  EXPECT_EQ(Get("/metrics").status, 404);
  EXPECT_EQ(Get("/metrics").body, "with tenants, metrics are on the admin port alone\n");
  TempoQueryOptions options;
  options.ready = [] { return false; };
  options.metrics = [] { return std::string("up 1\n"); };
  Serve(std::move(options));
  EXPECT_EQ(Get("/ready").status, 503);
  EXPECT_EQ(Get("/metrics").body, "up 1\n");
  for (const char* path : {"/api/echo", "/api/status/buildinfo", "/ready", "/metrics"})
    EXPECT_TRUE(IsTempoOpen(path)) << path;
  EXPECT_FALSE(IsTempoOpen("/api/search"));
}

TEST(TempoTenants, ABadNameIsRefusedInTemposWords) {
  EXPECT_EQ(TempoBadTenant("a/b"), "tenant ID 'a/b' contains unsupported character '/'");
  EXPECT_EQ(TempoBadTenant("t1|t2"), "tenant ID 't1|t2' contains unsupported character '|'");
  EXPECT_EQ(TempoBadTenant(".."), "tenant ID is '.' or '..'");
  EXPECT_EQ(TempoBadTenant(std::string(151, 'a')), "tenant ID is too long: max 150 characters");
}

TEST_F(TempoApi, OtherPathsAreNotFoundAndMethodsAreNotLookedAt) {
  Refuses("/", "404 page not found\n", 404);
  Refuses("/api/services", "404 page not found\n", 404);
  EXPECT_EQ(routes.back(), "other 404");
  EXPECT_EQ(Get("/api/search", "", "POST").status, 200);
  EXPECT_EQ(Get("/api/search", "", "OPTIONS").status, 200);
  EXPECT_EQ(Get("/api/echo", "", "DELETE").body, "echo");
}

TEST_F(TempoApi, AFailingStoreIs500AndATimeOut504) {
  TempoQueryOptions options;
  options.snapshot = []() -> Result<Snapshot> { return Error(ErrorCode::kIo, "no disk"); };
  Serve(std::move(options));
  Refuses("/api/search", "no disk", 500);
  Refuses("/api/traces/1", "no disk", 500);
  TempoQueryOptions late;
  late.timeout = std::chrono::milliseconds{-1};
  Serve(std::move(late));
  Refuses("/api/search", "the query's deadline has passed", 504);
  Refuses("/api/v2/search/tags", "the query's deadline has passed", 504);
}

}  // namespace
}  // namespace tracestore::server
