// What query.filter finds.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/jaeger/v3_filter_test_support.h"

namespace tracestore::server {
namespace {

using namespace filter_json;

TEST_F(V3Filter, IsOfTracesAndSummaries) {
  EXPECT_EQ(Get(std::string("/api/v3/traces?") + kDay + "&query.filter=" + Escaped(kFe)).status,
            200);
  const std::string nobody = Call("eq", {Field("resource.service"), Value("nobody")});
  const Answer none =
      Get(std::string("/api/v3/traces?") + kDay + "&query.filter=" + Escaped(nobody));
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.body, R"({"error":{"httpCode":404,"message":"No traces found"}})");
  Finds(kFe);
  Misses(nobody);
  EXPECT_EQ(Get(std::string("/api/v3/traces?") + kDay + "&query.filter=").status, 200);
  EXPECT_EQ(Ask(kFe, "&query.search_depth=5&query.raw_traces=true").status, 200);
}

TEST_F(V3Filter, IsMetByOneSpan) {
  const std::string error = Call("eq", {Field("span.status"), Value("error")});
  Finds(Call("and", {Arg(kBe), Arg(error)}));
  Misses(Call("and", {Arg(kFe), Arg(error)}));
  Finds(Call("or", {Arg(kFe), Arg(error)}));
  Finds(Call("not", {Arg(kBe)}));
  Misses(Call("and", {Arg(Call("not", {Arg(kBe)})), Arg(error)}));
  Misses(Call("and", {Arg(kFe), Arg(kBe)}));
  Misses(Call("not", {Arg(Call("or", {Arg(kFe), Arg(kBe)}))}));
}

TEST_F(V3Filter, ComparesFields) {
  const std::string duration = Field("span.duration");
  EXPECT_TRUE(Is("eq", duration, Value("50ms")));
  EXPECT_TRUE(Is("eq", Value("0.05s"), duration));
  EXPECT_TRUE(Is("gt", duration, Value("49ms999us999ns")));
  EXPECT_FALSE(Is("gt", duration, Value("50ms")));
  EXPECT_TRUE(Is("lt", Value("49ms"), duration));
  EXPECT_FALSE(Is("lt", duration, Value("20ms")));
  EXPECT_TRUE(Is("lte", duration, Value("20ms")));
  EXPECT_TRUE(Is("gte", duration, Value("-1s")));
  EXPECT_FALSE(Is("lt", duration, Value("-1s")));
  EXPECT_TRUE(Is("in", duration, List({"1s", "30ms"})));
  EXPECT_FALSE(Is("in", duration, List({"1s"})));

  EXPECT_TRUE(Is("eq", Field("span.startTime"), Value("2026-11-22T19:33:50.375022592Z")));
  EXPECT_TRUE(Is("eq", Field("span.endTime"), Value("2026-11-22T20:33:50.425022592+01:00")));
  EXPECT_FALSE(Is("gt", Field("span.endTime"), Value("2026-11-22T19:33:50.425022592Z")));
  EXPECT_TRUE(Is("gt", Field("span.endTime"), Value("2026-11-22T19:33:50.425022591Z")));
  EXPECT_TRUE(Is("gt", Field("span.startTime"), Value("1960-01-01T00:00:00Z")));
  EXPECT_TRUE(Is("lt", Field("span.startTime"), Value("2700-01-01T00:00:00Z")));
  EXPECT_FALSE(Is("eq", Field("span.startTime"), Value("2700-01-01T00:00:00Z")));

  EXPECT_TRUE(Is("eq", Field("span.kind"), Value("client")));
  EXPECT_FALSE(Is("eq", Field("span.kind"), Value("consumer")));
  EXPECT_TRUE(Is("in", Field("span.kind"), List({"consumer", "client"}, "string")));
  EXPECT_TRUE(Is("regex", Field("span.kind"), Value("cli|zzz")));
  EXPECT_FALSE(Is("regex", Field("span.status"), Value("zzz")));
  EXPECT_TRUE(Is("eq", Field("span.status"), Value("unset", "string")));

  for (const auto& [field, value] : std::vector<std::pair<std::string, std::string>>{
           {"span.traceID", "0af7651916cd43dd8448eb211c80319c"},
           {"span.spanID", "00f067aa0ba902b7"},
           {"span.parentSpanID", "00f067aa0ba90301"},
           {"span.name", "work"},
           {"span.statusMessage", "boom"},
           {"resource.service", "be"},
           {"scope.name", "lib"},
           {"scope.version", "1"},
           {"event.name", "ev"},
           {"link.traceID", "0af7651916cd43dd8448eb211c80319d"},
           {"link.spanID", "00f067aa0ba902b8"}}) {
    EXPECT_TRUE(Is("eq", Field(field), Value(value))) << field;
    EXPECT_TRUE(Is("eq", Value(value, "string"), Field(field))) << field;
    EXPECT_FALSE(Is("eq", Field(field), Value(value + "x"))) << field;
    EXPECT_FALSE(Is("eq", Field(field), Value(""))) << field;
    EXPECT_TRUE(Is("gte", Field(field), Value(value))) << field;
    EXPECT_TRUE(Is("gt", Field(field), Value(value.substr(0, value.size() - 1)))) << field;
    EXPECT_TRUE(Is("regex", Field(field), Value(value.substr(value.size() / 2)))) << field;
    EXPECT_TRUE(Is("in", Field(field), List({"nobody", value}))) << field;
    EXPECT_TRUE(Found(Call("exists", {Field(field)}))) << field;
  }
  EXPECT_FALSE(Is("eq", Field("span.spanID"), Value("00F067AA0BA902B7")));
  for (const char* absent :
       {"span.traceState", "link.traceState", "resource.schemaURL", "scope.schemaURL"}) {
    EXPECT_FALSE(Found(Call("exists", {Field(absent)}))) << absent;
    EXPECT_FALSE(Is("ne", Field(absent), Value("x"))) << absent;
    EXPECT_FALSE(Is("lt", Field(absent), Value("x"))) << absent;
    EXPECT_FALSE(Is("regex", Field(absent), Value(".*"))) << absent;
    EXPECT_FALSE(Is("not_in", Field(absent), List({"x"}))) << absent;
  }
  EXPECT_TRUE(Is("eq", Field("event.time"), Value("2026-11-22T19:33:50.375023592Z")));
  EXPECT_TRUE(Is("eq", Field("event.timeSinceStart"), Value("1us")));
  EXPECT_FALSE(Is("gt", Field("event.timeSinceStart"), Value("1us")));
  EXPECT_TRUE(Is("gt", Field("event.timeSinceStart"), Value("-1h")));
}

TEST_F(V3Filter, ComparesAttributesAtLevels) {
  const std::string status = Attr("http.status_code");
  EXPECT_TRUE(Is("eq", status, Value("200")));
  EXPECT_TRUE(Is("eq", status, Value("200", "int")));
  EXPECT_TRUE(Is("eq", status, Value("+0200", "int")));
  EXPECT_FALSE(Is("eq", status, Value("200", "string")));
  EXPECT_FALSE(Is("eq", status, Value("200", "double")));
  EXPECT_TRUE(Is("gt", status, Value("9")));  // not by text
  EXPECT_TRUE(Is("gt", status, Value("199", "int")));
  EXPECT_FALSE(Is("gt", status, Value("200", "int")));
  EXPECT_TRUE(Is("eq", Attr("d"), Value("1.50", "double")));
  EXPECT_TRUE(Is("lt", Attr("d"), Value("1.6", "double")));
  EXPECT_FALSE(Is("lt", Attr("d"), Value("2", "int")));
  EXPECT_TRUE(Is("eq", Attr("b"), Value("T", "bool")));
  EXPECT_TRUE(Is("ne", Attr("b"), Value("false", "bool")));
  EXPECT_TRUE(Is("in", status, List({"1", "200"}, "int")));
  EXPECT_FALSE(Is("in", status, List({"1", "200"}, "string")));
  EXPECT_TRUE(Is("not_in", status, List({"1"}, "int")));
  EXPECT_TRUE(Is("regex", status, Value("20")));

  EXPECT_TRUE(Is("eq", Attr("http.status_code", "span"), Value("200")));
  EXPECT_FALSE(Is("eq", Attr("http.status_code", "resource"), Value("200")));
  EXPECT_TRUE(Is("eq", Attr("host.name", "resource"), Value("h1")));
  EXPECT_TRUE(Is("eq", Attr("host.name"), Value("h1")));
  EXPECT_FALSE(Is("eq", Attr("host.name", "span"), Value("h1")));
  EXPECT_TRUE(Is("eq", Attr("k", "event"), Value("v")));
  EXPECT_TRUE(Is("gt", Attr("k", "event"), Value("u")));
  EXPECT_FALSE(Is("eq", Attr("k"), Value("v")));  // never events
  EXPECT_TRUE(Found(Call("exists", {Attr("k", "event")})));
  EXPECT_FALSE(Found(Call("exists", {Attr("k")})));
  EXPECT_FALSE(Found(Call("exists", {Attr("k", "link")})));
  EXPECT_FALSE(Found(Call("exists", {Attr("k", "scope")})));
}

TEST_F(V3Filter, TellsAbsentFromDifferent) {
  const std::string fe_server = Arg(Call("eq", {Field("span.name"), Value("GET /")}));
  const auto there = [&](const std::string& leaf) {
    return Found(Call("and", {fe_server, Arg(leaf)}));
  };
  EXPECT_FALSE(there(Call("ne", {Attr("x"), Value("1")})));
  EXPECT_TRUE(there(Call("not", {Arg(Call("eq", {Attr("x"), Value("1")}))})));
  EXPECT_FALSE(there(Call("not_in", {Attr("x"), List({"1"}, "int")})));
  EXPECT_TRUE(there(Call("not", {Arg(Call("in", {Attr("x"), List({"1"}, "int")}))})));
  EXPECT_TRUE(there(Call("ne", {Attr("http.status_code"), Value("1")})));
  EXPECT_TRUE(there(Call("ne", {Attr("http.status_code"), Value("200", "string")})));
  EXPECT_FALSE(there(Call("ne", {Attr("http.status_code"), Value("200")})));
  EXPECT_FALSE(there(Call("exists", {Field("span.parentSpanID")})));
  EXPECT_FALSE(there(Call("ne", {Field("span.parentSpanID"), Value("x")})));
}

// A key on span and resource, numbers as text, two events of which neither is all that is asked.
constexpr const char* kSeveral = R"({"resourceSpans":[
 {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}},
                            {"key":"env","value":{"stringValue":"b"}}]},
  "scopeSpans":[{"spans":[
   {"traceId":"0af7651916cd43dd8448eb211c803190","spanId":"00f067aa0ba902b1","name":"a",
    "startTimeUnixNano":"1795376030375022592","endTimeUnixNano":"1795376030425022592",
    "attributes":[{"key":"env","value":{"stringValue":"a"}},
                  {"key":"size","value":{"stringValue":"9"}},
                  {"key":"big","value":{"intValue":"9007199254740993"}},
                  {"key":"before","value":{"intValue":"3"}},
                  {"key":"after","value":{"intValue":"5"}},
                  {"key":"zero","value":{"doubleValue":-0.0}},
                  {"key":"limit","value":{"stringValue":"40ms"}},
                  {"key":"deadline","value":{"stringValue":"2026-11-22T19:33:51Z"}},
                  {"key":"caller","value":{"stringValue":"s"}}],
    "events":[{"timeUnixNano":"1795376030375023592","name":"retry",
               "attributes":[{"key":"n","value":{"intValue":"1"}}]},
              {"timeUnixNano":"1795376030375033592","name":"",
               "attributes":[{"key":"n","value":{"intValue":"2"}}]}]}]}]}]})";

TEST_F(V3Filter, JudgesSeveralValues) {
  Serve({kSeveral});
  const std::string env = Attr("env");
  EXPECT_TRUE(Is("eq", env, Value("a")));
  EXPECT_TRUE(Is("eq", env, Value("b")));
  EXPECT_FALSE(Is("ne", env, Value("a")));
  EXPECT_FALSE(Is("ne", env, Value("b")));
  EXPECT_TRUE(Is("ne", env, Value("c")));
  EXPECT_FALSE(Is("not_in", env, List({"b", "c"}, "string")));
  EXPECT_TRUE(Is("not_in", env, List({"c"}, "string")));
  EXPECT_TRUE(Is("ne", Attr("env", "span"), Value("b")));
  EXPECT_FALSE(Is("gt", Attr("size"), Value("500")));  // numbers, though both are text
  EXPECT_TRUE(Is("gt", Attr("size"), Value("500", "string")));
  EXPECT_TRUE(Is("gt", Attr("big"), Value("9007199254740992", "int")));
  EXPECT_TRUE(Is("gt", Attr("big"), Value("9007199254740992")));
  EXPECT_TRUE(Is("eq", Attr("zero"), Value("0", "double")));

  const std::string retry = Call("eq", {Field("event.name"), Value("retry")});
  const std::string second = Call("eq", {Attr("n", "event"), Value("2", "int")});
  Finds(Call("and", {Arg(retry), Arg(second)}));
  Misses(Call("some", {Nested("event"), Arg(Call("and", {Arg(retry), Arg(second)}))}));
  EXPECT_FALSE(Is("ne", Attr("n", "event"), Value("2")));
  Finds(Call("some", {Nested("event"), Arg(Call("ne", {Attr("n", "event"), Value("2")}))}));
  EXPECT_FALSE(Is("lt", Field("event.name"), Value("b")));  // an empty name is none
}

TEST_F(V3Filter, ComparesTwoReferences) {
  Serve({kSeveral});
  EXPECT_TRUE(Is("gt", Attr("after"), Attr("before")));
  EXPECT_FALSE(Is("lte", Attr("after"), Attr("before")));
  EXPECT_TRUE(Is("ne", Attr("after"), Attr("before")));
  EXPECT_FALSE(Is("ne", Attr("after"), Attr("nothing")));
  EXPECT_FALSE(Is("eq", Attr("nothing"), Attr("nothing")));
  EXPECT_TRUE(Is("eq", Attr("caller"), Field("resource.service")));
  EXPECT_TRUE(Is("lt", Field("span.startTime"), Field("span.endTime")));
  EXPECT_FALSE(Is("lt", Field("span.endTime"), Field("event.time")));
  EXPECT_TRUE(Is("gt", Field("span.duration"), Field("event.timeSinceStart")));
  EXPECT_TRUE(Is("gt", Field("span.duration"), Attr("limit")));
  EXPECT_FALSE(Is("gt", Field("span.duration"), Attr("after")));  // no unit
  EXPECT_TRUE(Is("gte", Attr("deadline"), Field("span.endTime")));
  EXPECT_FALSE(Is("eq", Field("span.kind"), Field("span.status")));
  EXPECT_TRUE(Is("gt", Attr("env"), Attr("env")));  // of the two values, b after a
}

TEST_F(V3Filter, ComparesConstants) {
  EXPECT_TRUE(Is("eq", Value("1"), Value("1")));
  EXPECT_TRUE(Is("lt", Value("9"), Value("500")));
  EXPECT_TRUE(Is("lt", Value("500", "string"), Value("9", "string")));
  EXPECT_TRUE(Is("eq", Value("1", "int"), Value("1.0", "double")));
  EXPECT_TRUE(Is("ne", Value("true", "bool"), Value("F", "bool")));
  EXPECT_FALSE(Is("gt", Value("a"), Value("b")));
}

TEST_F(V3Filter, BindsOneEventOrLink) {
  const auto some = [](const std::string& level, const std::string& body) {
    return Call("some", {Nested(level), Arg(body)});
  };
  const std::string named = Call("eq", {Field("event.name"), Value("ev")});
  const std::string late = Call("gt", {Field("event.timeSinceStart"), Value("2us")});
  Finds(some("event", named));
  Finds(some("event", Call("and", {Arg(named), Arg(kFe)})));
  Misses(some("event", Call("and", {Arg(named), Arg(late)})));
  Misses(some("event", Call("and", {Arg(named), Arg(kBe)})));
  Finds(some("link", Call("eq", {Field("link.spanID"), Value("00f067aa0ba902b8")})));
  Misses(some("link", Call("exists", {Attr("k", "link")})));
  Finds(some("event", Call("and", {Arg(named), Arg(some("link", named))})));
  // Every event of such a span is like that: true where there is none.
  const std::string every = Call("not", {Arg(some("event", Call("not", {Arg(late)})))});
  Finds(Call("and", {Arg(kBe), Arg(every)}));
  Misses(Call("and", {Arg(Call("eq", {Field("span.name"), Value("GET /")})), Arg(every)}));
}

}  // namespace
}  // namespace tracestore::server
