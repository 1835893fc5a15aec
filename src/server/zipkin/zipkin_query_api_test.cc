// The API without sockets, over files of traces. Expected texts are those that Zipkin 3.6 answered.
#include "server/zipkin/zipkin_query_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tracestore::server {
namespace {

using testing::HasSubstr;

// Two traces of Zipkin's, one of OTLP's with capitals. Times are around 1,700,000,000 s.
constexpr const char* kZipkin = R"([
 {"traceId":"000000000000000a","id":"0000000000000001","kind":"SERVER","name":"get /",
  "timestamp":1700000000000000,"duration":50000,
  "localEndpoint":{"serviceName":"front"},"tags":{"http.path":"/","env":"prod"}},
 {"traceId":"000000000000000a","parentId":"0000000000000001","id":"0000000000000002",
  "kind":"CLIENT","name":"query","timestamp":1700000000010000,"duration":20000,
  "localEndpoint":{"serviceName":"front"},"remoteEndpoint":{"serviceName":"db"},
  "annotations":[{"timestamp":1700000000011000,"value":"retry"}],"tags":{"error":"timeout"}},
 {"traceId":"00000000000000010000000000000b0b","id":"0000000000000003","kind":"SERVER",
  "name":"post /","timestamp":1700000100000000,"duration":900,
  "localEndpoint":{"serviceName":"back"}},
 {"traceId":"000000000000000c","id":"0000000000000004","name":"timeless",
  "localEndpoint":{"serviceName":"timeless"}}])";
constexpr const char* kOtlp = R"({"resourceSpans":[{"resource":{"attributes":[
  {"key":"service.name","value":{"stringValue":"Shop"}},
  {"key":"host.name","value":{"stringValue":"h1"}}]},"scopeSpans":[{"spans":[
   {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"GET /Cart",
    "kind":3,"startTimeUnixNano":"1700000200000000500","endTimeUnixNano":"1700000200000000900",
    "attributes":[{"key":"server.address","value":{"stringValue":"Stock"}},
                  {"key":"items","value":{"intValue":"3"}}],
    "status":{"code":2,"message":"boom"}}]}]}]})";

class ZipkinQuery : public testing::Test {
 protected:
  void SetUp() override { Serve({}); }
  void Serve(ZipkinQueryOptions options) {
    AppendResult report;
    auto snapshot = SnapshotOfFiles({kZipkin, kOtlp}, report);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    options.snapshot = [shared = *snapshot]() -> Result<Snapshot> { return shared; };
    options.now = [] { return std::chrono::seconds{1'700'000'300}; };
    options.observer = [this](std::string_view route, int status, std::chrono::nanoseconds) {
      routes.push_back(std::string(route) + " " + std::to_string(status));
    };
    options.counters = [] {
      return std::vector<std::pair<std::string, double>>{
          {"counter.zipkin_collector.messages.http", 3.0}};
    };
    options.prometheus = [] { return std::string("up 1\n"); };
    handler = MakeZipkinQueryHandler(std::move(options));
  }

  net::HttpResponse Get(const std::string& target, const std::string& method = "GET") {
    net::HttpRequest request;
    request.method = method;
    EXPECT_TRUE(request.SetTarget(target).has_value()) << target;
    net::HttpResponse response = handler(request);
    EXPECT_FALSE(response.stream);
    return response;
  }
  std::string Body(const std::string& target) {
    const net::HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    return response.body;
  }
  void Refuses(const std::string& target, const std::string& sentence, int status = 400) {
    const net::HttpResponse response = Get("/api/v2/" + target);
    EXPECT_EQ(response.status, status) << target;
    EXPECT_EQ(response.content_type, "text/*");
    EXPECT_EQ(response.body, sentence) << target;
  }
  // Trace ids of a search, in the order of the answer.
  std::vector<std::string> Finds(const std::string& parameters) {
    const std::string body = Body("/api/v2/traces?" + parameters);
    std::vector<std::string> ids;
    constexpr std::string_view kKey = "\"traceId\":\"";
    for (auto at = body.find(kKey); at != std::string::npos; at = body.find(kKey, at + 1)) {
      const auto begin = at + kKey.size();
      std::string id = body.substr(begin, body.find('"', begin) - begin);
      if (ids.empty() || ids.back() != id) ids.push_back(std::move(id));
    }
    return ids;
  }

  net::HttpHandler handler;
  std::vector<std::string> routes;
};

const std::string kA = "000000000000000a";
const std::string kB = "00000000000000010000000000000b0b";
const std::string kShop = "0af7651916cd43dd8448eb211c80319c";
using Ids = std::vector<std::string>;

TEST_F(ZipkinQuery, NamesAreLowerCaseAndSorted) {
  EXPECT_EQ(Body("/api/v2/services"), R"(["back","front","shop","timeless"])");
  EXPECT_EQ(Body("/zipkin/api/v2/spans?serviceName=FRONT"), R"(["get /","query"])");
  EXPECT_EQ(Body("/api/v2/spans?serviceName=shop"), R"(["get /cart"])");
  EXPECT_EQ(Body("/api/v2/spans?serviceName=nobody"), "[]");
  EXPECT_EQ(Body("/api/v2/remoteServices?serviceName=front"), R"(["db"])");
  EXPECT_EQ(Body("/api/v2/remoteServices?serviceName=shop"), R"(["stock"])");
  EXPECT_EQ(Body("/api/v2/remoteServices?serviceName=back"), "[]");
  Refuses("spans", "Mandatory parameter/header/attribute is missing: serviceName");
  Refuses("remoteServices", "Mandatory parameter/header/attribute is missing: serviceName");
}

TEST_F(ZipkinQuery, ManyNamesMayBeCached) {
  const auto cached = [](const net::HttpResponse& response) {
    return !response.headers.empty() && response.headers[0].first == "Cache-Control" &&
           response.headers[0].second == "max-age=300, must-revalidate";
  };
  EXPECT_FALSE(cached(Get("/api/v2/spans?serviceName=front")));
  EXPECT_TRUE(cached(Get("/api/v2/services")));
  EXPECT_TRUE(cached(Get("/api/v2/spans?serviceName=front")));
  EXPECT_TRUE(cached(Get("/api/v2/autocompleteKeys")));
}

TEST_F(ZipkinQuery, FindsByNames) {
  EXPECT_EQ(Finds(""), (Ids{kShop, kB, kA}));  // never a trace without a timestamp
  EXPECT_EQ(Finds("serviceName=Front"), Ids{kA});
  EXPECT_EQ(Finds("serviceName=shop&spanName=get%20/cart"), Ids{kShop});
  EXPECT_EQ(Finds("spanName=all&serviceName=back"), Ids{kB});
  EXPECT_EQ(Finds("serviceName=back&spanName=query"), Ids{});
  EXPECT_EQ(Finds("remoteServiceName=DB"), Ids{kA});
  EXPECT_EQ(Finds("remoteServiceName=stock"), Ids{kShop});
  EXPECT_EQ(Finds("serviceName=back&remoteServiceName=db"), Ids{});
  EXPECT_EQ(Finds("limit=1"), Ids{kShop});
}

TEST_F(ZipkinQuery, FindsByAnnotationsAndTags) {
  EXPECT_EQ(Finds("annotationQuery=retry"), Ids{kA});
  EXPECT_EQ(Finds("annotationQuery=env"), Ids{kA});
  EXPECT_EQ(Finds("annotationQuery=env%3Dprod"), Ids{kA});
  EXPECT_EQ(Finds("annotationQuery=env%3Dtest"), Ids{});
  EXPECT_EQ(Finds("annotationQuery=ENV"), Ids{});
  // Of different spans of one trace.
  EXPECT_EQ(Finds("annotationQuery=retry%20and%20http.path%3D/%20and%20error%3Dtimeout"), Ids{kA});
  EXPECT_EQ(Finds("annotationQuery=retry%20and%20items"), Ids{});
  EXPECT_EQ(Finds("annotationQuery=error"), (Ids{kShop, kA}));
  EXPECT_EQ(Finds("annotationQuery=error%3Dboom"), Ids{kShop});
  EXPECT_EQ(Finds("annotationQuery=otel.status_code%3DERROR"), Ids{kShop});
  EXPECT_EQ(Finds("annotationQuery=items%3D3%20and%20host.name%3Dh1"), Ids{kShop});
  // The last value of a key counts, and a bare word takes none away.
  EXPECT_EQ(Finds("annotationQuery=env%3Dtest%20and%20env%3Dprod%20and%20env"), Ids{kA});
  EXPECT_EQ(Finds("annotationQuery=env%3Dprod%20and%20env%3Dtest"), Ids{});
}

TEST_F(ZipkinQuery, FindsByDurationOfAnySpanOfTheService) {
  EXPECT_EQ(Finds("minDuration=20000&maxDuration=20000"), Ids{kA});
  EXPECT_EQ(Finds("minDuration=20001&maxDuration=49999"), Ids{});
  EXPECT_EQ(Finds("minDuration=50000"), Ids{kA});
  // 400 ns are shown as 1 µs.
  EXPECT_EQ(Finds("minDuration=1&maxDuration=1"), Ids{kShop});
  EXPECT_EQ(Finds("minDuration=900&maxDuration=900&serviceName=back"), Ids{kB});
  EXPECT_EQ(Finds("minDuration=50000&serviceName=back"), Ids{});
}

TEST_F(ZipkinQuery, TheWindowIncludesBothEnds) {
  EXPECT_EQ(Finds("endTs=1700000000000&lookback=1"), Ids{kA});
  EXPECT_EQ(Finds("endTs=1699999999999"), Ids{});
  EXPECT_EQ(Finds("endTs=1700000100000&lookback=100000"), (Ids{kB, kA}));
  EXPECT_EQ(Finds("endTs=1700000100000&lookback=99999"), Ids{kB});
  EXPECT_EQ(Finds("endTs=9223372036854775807&lookback=9223372036854775807"), (Ids{kShop, kB, kA}));
}

TEST_F(ZipkinQuery, GivesATraceById) {
  const std::string b =
      R"([{"traceId":"00000000000000010000000000000b0b","id":"0000000000000003","kind":"SERVER",)"
      R"("name":"post /","timestamp":1700000100000000,"duration":900,)"
      R"("localEndpoint":{"serviceName":"back"}}])";
  EXPECT_EQ(Body("/api/v2/trace/10000000000000b0b"), b);
  EXPECT_EQ(Body("/zipkin/api/v2/trace/%2000000000000000010000000000000b0b%20"), b);
  EXPECT_THAT(Body("/api/v2/trace/c"), HasSubstr("timeless"));
  Refuses("trace/b0b", "0000000000000b0b not found", 404);
  Refuses("trace/zz", "zz should be lower-hex encoded with no prefix");
  Refuses("trace/AB", "AB should be lower-hex encoded with no prefix");
  Refuses("trace/000", "traceId is all zeros");
  Refuses("trace/" + std::string(33, '1'), "traceId.length > 32");
}

TEST_F(ZipkinQuery, LenientIdsAreEqualInTheirLowHalves) {
  ZipkinQueryOptions options;
  options.strict_trace_id = false;
  Serve(std::move(options));
  EXPECT_THAT(Body("/api/v2/trace/b0b"), HasSubstr(kB));
  EXPECT_THAT(Body("/api/v2/trace/ffff0000000000000b0b"), HasSubstr(kB));
  EXPECT_EQ(Finds("serviceName=back"), Ids{kB});
}

TEST_F(ZipkinQuery, GivesManyTraces) {
  EXPECT_EQ(Body("/api/v2/traceMany?traceIds=1,2"), "[]");
  const std::string both = Body("/api/v2/traceMany?traceIds=a,10000000000000b0b,d");
  EXPECT_THAT(both, HasSubstr(kA));
  EXPECT_THAT(both, HasSubstr(kB));
  Refuses("traceMany", "Mandatory parameter/header/attribute is missing: traceIds");
  Refuses("traceMany?traceIds=", "traceIds parameter is empty");
  Refuses("traceMany?traceIds=1",
          "Use /api/v2/trace/{traceId} endpoint to retrieve a single trace");
  Refuses("traceMany?traceIds=1,0001", "redundant traceId: 0001");
  for (const char* ids : {"1,", ",1", ",", "1,,2"})
    Refuses("traceMany?traceIds=" + std::string(ids), "traceId is empty");
  // Blanks are cut off the path's id alone.
  Refuses("traceMany?traceIds=%20", "  should be lower-hex encoded with no prefix");
  Refuses("traceMany?traceIds=1,%202", " 2 should be lower-hex encoded with no prefix");
}

TEST_F(ZipkinQuery, LinksServicesByZipkinsRule) {
  EXPECT_EQ(Body("/api/v2/dependencies?endTs=1700000300000"),
            R"([{"parent":"front","child":"db","callCount":1,"errorCount":1},)"
            R"({"parent":"shop","child":"stock","callCount":1,"errorCount":1}])");
  EXPECT_EQ(Body("/api/v2/dependencies?endTs=1700000000010&lookback=1"),
            R"([{"parent":"front","child":"db","callCount":1,"errorCount":1}])");
  EXPECT_EQ(Body("/api/v2/dependencies?endTs=1600000000000"), "[]");
  Refuses("dependencies", "Mandatory parameter/header/attribute is missing: endTs");
  Refuses("dependencies?endTs=0", "endTs <= 0");
}

TEST_F(ZipkinQuery, RefusesInZipkinsWords) {
  Refuses("traces?limit=0", "limit <= 0");
  Refuses("traces?endTs=0", "endTs <= 0");
  Refuses("traces?lookback=-1", "lookback <= 0");
  Refuses("traces?minDuration=0", "minDuration <= 0");
  Refuses("traces?minDuration=5&maxDuration=4", "maxDuration < minDuration");
  Refuses("traces?maxDuration=4", "maxDuration is only valid with minDuration");
  Refuses("traces?limit=abc", "For input string: \"abc\"");
  Refuses("traces?endTs=%20", "For input string: \" \"");
  Refuses("traces?limit=2147483648", "For input string: \"2147483648\"");
  Refuses("traces?endTs=%2B-1", "For input string: \"+-1\"");
  Refuses("autocompleteValues", "Mandatory parameter/header/attribute is missing: key");
  Refuses("autocompleteValues?key=", "key was empty");
}

TEST_F(ZipkinQuery, AnEmptyNumberIsAbsentOrRefused) {
  EXPECT_EQ(Finds("endTs=&lookback=&minDuration=&maxDuration="), Finds(""));
  EXPECT_EQ(Finds("endTs"), Finds(""));
  EXPECT_EQ(Body("/api/v2/dependencies?endTs=1700000300000&lookback="),
            Body("/api/v2/dependencies?endTs=1700000300000"));
  Refuses("traces?maxDuration=4&minDuration=", "maxDuration is only valid with minDuration");
  Refuses("traces?limit=", "Cannot set null to primitive type parameter: limit");
  Refuses("traces?limit", "Cannot set null to primitive type parameter: limit");
  Refuses("dependencies?endTs=", "Cannot set null to primitive type parameter: endTs");
}

TEST_F(ZipkinQuery, CompletesTheKeysItIsTold) {
  EXPECT_EQ(Body("/api/v2/autocompleteKeys"), "[]");
  EXPECT_EQ(Body("/api/v2/autocompleteValues?key=env"), "[]");
  ZipkinQueryOptions options;
  options.autocomplete_keys = {"items", "env"};
  Serve(std::move(options));
  EXPECT_EQ(Body("/api/v2/autocompleteKeys"), R"(["env","items"])");
  EXPECT_EQ(Body("/api/v2/autocompleteValues?key=env"), R"(["prod"])");
  EXPECT_EQ(Body("/api/v2/autocompleteValues?key=http.path"), "[]");
}

TEST_F(ZipkinQuery, WithoutSearchTracesAreFoundByIdAlone) {
  ZipkinQueryOptions options;
  options.search_enabled = false;
  options.autocomplete_keys = {"env"};
  Serve(std::move(options));
  for (const char* path : {"services", "spans?serviceName=front",
                           "remoteServices?serviceName=front",
                           "traces", "autocompleteKeys", "autocompleteValues?key=env"}) {
    EXPECT_EQ(Body(std::string("/api/v2/") + path), "[]") << path;
  }
  EXPECT_THAT(Body("/api/v2/trace/a"), HasSubstr("front"));
  EXPECT_NE(Body("/api/v2/dependencies?endTs=1700000300000"), "[]");
}

TEST_F(ZipkinQuery, TellsOfItself) {
  EXPECT_EQ(Body("/health"),
            R"({"status":"UP","zipkin":{"status":"UP",)"
            R"("details":{"tracestore{}":{"status":"UP"}}}})");
  EXPECT_THAT(Body("/info"), HasSubstr("{\"zipkin\":{\"version\":"));
  EXPECT_EQ(Body("/metrics"), R"({"counter.zipkin_collector.messages.http":3.0})");
  EXPECT_EQ(Get("/actuator/metrics").body, R"({"names":["zipkin_collector.messages"]})");
  EXPECT_EQ(Get("/actuator/metrics/zipkin_collector.messages").body,
            R"({"name":"zipkin_collector.messages","measurements":[{"statistic":"COUNT",)"
            R"("value":3.0}],"availableTags":[{"tag":"transport","values":["http"]}]})");
  EXPECT_EQ(Get("/actuator/metrics/nothing").status, 404);
  EXPECT_THAT(Body("/zipkin/config.json"), HasSubstr("\"searchEnabled\":true"));
  for (const char* path : {"/prometheus", "/actuator/prometheus"}) {
    const net::HttpResponse response = Get(path);
    EXPECT_EQ(response.body, "up 1\n");
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  }
  for (const std::string path : {"/health", "/info"}) {
    const net::HttpResponse response = Get("/actuator" + path);
    EXPECT_EQ(response.body, Body(path));
    EXPECT_EQ(response.content_type, "application/vnd.spring-boot.actuator.v2+json");
  }
}

TEST_F(ZipkinQuery, InfoIsShortForWhoHasIt) {
  net::HttpRequest request;
  request.method = "GET";
  ASSERT_TRUE(request.SetTarget("/info").has_value());
  const net::HttpResponse first = handler(request);
  ASSERT_EQ(first.headers.size(), 1U);
  EXPECT_EQ(first.headers[0].first, "ETag");
  request.headers = {{"If-None-Match", first.headers[0].second}};
  EXPECT_EQ(handler(request).status, 304);
}

TEST_F(ZipkinQuery, WithoutQueriesItTellsOfItselfAlone) {
  ZipkinQueryOptions options;
  options.queries = false;
  Serve(std::move(options));
  for (const char* path : {"/api/v2/services", "/api/v2/trace/a", "/zipkin/config.json",
                           "/zipkin/api/v2/traces", "/api/v2/dependencies?endTs=1700000300000"})
    EXPECT_EQ(Get(path).status, 404) << path;
  for (const char* path : {"/health", "/info", "/metrics", "/prometheus"})
    EXPECT_EQ(Get(path).status, 200) << path;
}

TEST_F(ZipkinQuery, ATimeOutIs500) {
  ZipkinQueryOptions options;
  options.timeout = std::chrono::milliseconds(-1);
  Serve(std::move(options));
  Refuses("traces?serviceName=front", "the query's deadline has passed", 500);
  Refuses("services", "the query's deadline has passed", 500);
}

TEST_F(ZipkinQuery, AFailingStoreIs500AndDown) {
  ZipkinQueryOptions options;
  options.snapshot = []() -> Result<Snapshot> { return Error(ErrorCode::kIo, "no disk"); };
  handler = MakeZipkinQueryHandler(std::move(options));
  Refuses("services", "no disk", 500);
  const net::HttpResponse health = Get("/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_THAT(health.body, HasSubstr("\"error\":\"io: no disk\""));
}

TEST_F(ZipkinQuery, AStoreThatHangsIsDown) {
  std::latch let_go(1);
  std::atomic<int> looks = 0;
  ZipkinQueryOptions options;
  options.timeout = std::chrono::milliseconds(20);
  options.snapshot = [&]() -> Result<Snapshot> {
    ++looks;
    let_go.wait();
    AppendResult report;
    return SnapshotOfFiles({kZipkin}, report);
  };
  handler = MakeZipkinQueryHandler(std::move(options));
  for (int i = 0; i < 2; ++i) {  // the second waits for the same look
    const net::HttpResponse health = Get("/health");
    EXPECT_EQ(health.status, 503);
    EXPECT_THAT(health.body, HasSubstr("\"error\":\"cancelled: the store gave no answer in 20 ms\""));
    EXPECT_THAT(health.body, HasSubstr("\"status\":\"DOWN\""));
  }
  EXPECT_EQ(looks, 1);
  let_go.count_down();
  while (Get("/health").status != 200) std::this_thread::yield();
}

// Zipkin splits at most so often: what is left is one part, with its commas.
TEST_F(ZipkinQuery, BoundsWhatOneRequestNames) {
  std::string ids = "a";
  for (int i = 1; i < 1000; ++i) ids += "," + std::to_string(100'000 + i);
  EXPECT_THAT(Body("/api/v2/traceMany?traceIds=" + ids), HasSubstr(kA));
  Refuses("traceMany?traceIds=" + ids + ",1", "100999,1 should be lower-hex encoded with no prefix");
  std::string query = "env%3Dprod";
  for (int i = 1; i < 100; ++i) query += "+and+http.path";
  EXPECT_EQ(Finds("annotationQuery=" + query), Ids{kA});
  EXPECT_EQ(Finds("annotationQuery=" + query + "+and+env"), Ids{}) << "part of the hundredth";
}

TEST_F(ZipkinQuery, TellsItsPagesWhatTheyAsk) {
  const net::HttpResponse plain = Get("/zipkin/config.json");
  EXPECT_EQ(plain.body,
            R"({"environment":"","queryLimit":10,"defaultLookback":900000,"searchEnabled":true,)"
            R"("logsUrl":null,"supportUrl":null,"archivePostUrl":null,"archiveUrl":null,)"
            R"("dependency":{"enabled":true,"lowErrorRate":0.5,"highErrorRate":0.75}})");
  using Header = std::pair<std::string, std::string>;
  EXPECT_THAT(plain.headers, testing::Contains(Header{"Cache-Control", "max-age=600"}));
  ZipkinQueryOptions options;
  options.search_enabled = false;
  options.ui = {.environment = "test", .query_limit = 20,
                .default_lookback = std::chrono::milliseconds{60'000}, .logs_url = "http://l/{traceId}",
                .support_url = "http://s", .archive_post_url = "http://p", .archive_url = "http://a",
                .dependencies = false, .low_error_rate = 0.1, .high_error_rate = 0.9};
  Serve(std::move(options));
  EXPECT_EQ(Body("/zipkin/config.json"),
            R"({"environment":"test","queryLimit":20,"defaultLookback":60000,)"
            R"("searchEnabled":false,"logsUrl":"http://l/{traceId}","supportUrl":"http://s",)"
            R"("archivePostUrl":"http://p","archiveUrl":"http://a",)"
            R"("dependency":{"enabled":false,"lowErrorRate":0.1,"highErrorRate":0.9}})");
}

TEST_F(ZipkinQuery, OtherPathsAndMethodsAreNotFound) {
  for (const char* target : {"/", "/config.json", "/api/v2/nothing", "/api/v1/traces"}) {
    const net::HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.body, "404 Not Found");
  }
  EXPECT_EQ(Get("/api/v2/services", "HEAD").status, 404);
  EXPECT_EQ(Get("/api/v2/services", "PUT").status, 404);
  EXPECT_EQ(Get("/api/v2/services", "TRACE").status, 405);
  EXPECT_EQ(routes.back(), "NOT_FOUND 404");
}

}  // namespace
}  // namespace tracestore::server
