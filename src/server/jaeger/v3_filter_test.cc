// query.filter over HTTP: what it finds, and every sentence that refuses it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/jaeger/filter_test_support.h"
#include "server/jaeger/query_api_test_support.h"

namespace tracestore::server {
namespace {

using namespace filter_json;

constexpr const char* kDay =
    "query.start_time_min=2026-11-22T00:00:00Z&query.start_time_max=2026-11-23T00:00:00Z";

class V3Filter : public JaegerQuery {
 protected:
  Answer Ask(const std::string& filter, const std::string& more = "") {
    return Get(std::string("/api/v3/trace-summaries?") + kDay + more +
               "&query.filter=" + Escaped(filter));
  }
  bool Found(const std::string& filter) {
    const Answer answer = Ask(filter);
    EXPECT_EQ(answer.status, 200) << filter << ": " << answer.body;
    return answer.body != R"({"summaries":[]})";
  }
  void Finds(const std::string& filter) { EXPECT_TRUE(Found(filter)) << filter; }
  void Misses(const std::string& filter) { EXPECT_FALSE(Found(filter)) << filter; }
  bool Is(const std::string& op, const std::string& left, const std::string& right) {
    return Found(Call(op, {left, right}));
  }

  void Refuses(const std::string& filter, const std::string& message,
               const std::string& more = "") {
    const Answer answer = Ask(filter, more);
    EXPECT_EQ(answer.status, 400) << filter;
    EXPECT_EQ(answer.body, R"({"error":{"httpCode":400,"message":)" + Quoted(message) + "}}")
        << filter;
  }
  void Malformed(const std::string& filter, const std::string& message) {
    Refuses(filter, "malformed parameter query.filter: " + message);
  }
  void Invalid(const std::string& filter, const std::string& message,
               const std::string& more = "") {
    Refuses(filter, "invalid query filter: " + message, more);
  }
};

const std::string kFe = Call("eq", {Field("resource.service"), Value("fe")});
const std::string kBe = Call("eq", {Field("resource.service"), Value("be")});

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

TEST_F(V3Filter, RefusesWhatIsMalformed) {
  Malformed(Call("not", {"{}"}),
            "filter argument is empty: exactly one of attr, field, nested, scalar, list or call "
            "must be set");
  Malformed(Call("eq", {Attr("a"), Value("x", "int")}),
            R"(filter constant "x" is not the "int" it declares)");
  Malformed(Call("eq", {Attr("a"), Value("x", "bool")}),
            R"(filter constant "x" is not the "bool" it declares)");
  Malformed(Call("eq", {Attr("a"), Value("x", "double")}),
            R"(filter constant "x" is not the "double" it declares)");
  Malformed(Call("eq", {Attr("a"), Value("x", "uuid")}),
            R"(filter constant "x" declares the unknown type "uuid")");
  Malformed(R"({"op":"eq","argz":[]})", R"(unknown field "argz" in expression.Call)");
  Malformed(R"({"op":"eq","args":[{"attr":{"kee":"x"}}]})",
            R"(unknown field "kee" in expression.AttributeReference)");
  Malformed(R"({"op":7})", "json: cannot unmarshal number into Go value of type string");
  Malformed("zz", "not JSON: unexpected 'z' at byte 0");
  std::string deep = kFe;
  for (int i = 0; i < 19; ++i) deep = Call("not", {Arg(deep)});
  EXPECT_EQ(Ask(deep).status, 200);
  Malformed(Call("not", {Arg(deep)}), "filter nests calls more than 20 deep");
}

TEST_F(V3Filter, RefusesOperatorsAndArguments) {
  Invalid(Call("like", {}), R"(unknown filter operator "like")");
  Invalid("{}", R"(unknown filter operator "")");
  Invalid(Call("eq", {Attr("a")}), R"(operator "eq" takes 2 argument(s), got 1)");
  Invalid(Call("not", {}), R"(operator "not" takes 1 argument(s), got 0)");
  Invalid(Call("and", {Arg(kFe)}), R"(operator "and" takes at least two arguments, got 1)");
  Invalid(Call("and", {Arg(kFe), Attr("a")}),
          R"(operator "and" takes predicates as arguments, got an attribute reference)");
  Invalid(Call("eq", {Attr("a"), Arg(kFe)}),
          R"(operator "eq" compares a reference or a constant, got a predicate)");
  Invalid(Call("eq", {Attr("a"), List({"1"})}),
          R"(operator "eq" compares a reference or a constant, got a list)");
  Invalid(Call("exists", {Value("1")}),
          R"(operator "exists" takes a reference, got an untyped constant)");
  Invalid(Call("eq", {Nested("event"), Value("1")}),
          R"(a collection reference is only the first argument of "some")");
  Invalid(Call("some", {Attr("a"), Arg(kFe)}),
          R"(operator "some" takes a collection reference as its first argument, got an attribute )"
          "reference");
  Invalid(
      Call("some", {Nested("event"), Value("1", "double")}),
      R"(operator "some" takes a predicate as its second argument, got a floating-point constant)");
  Invalid(Call("some", {Nested("span"), Arg(kFe)}),
          R"(operator "some" quantifies over "event" or "link", got level "span")");
  Invalid(
      Call("some",
           {Nested("event"), Arg(Call("not", {Arg(Call("some", {Nested("event"), Arg(kFe)}))}))}),
      R"(operator "some" is already quantifying over "event", and this version does not define )"
      "what a nested one would bind");
  Invalid(Call("in", {Attr("a"), Value("1")}),
          R"(operator "in" takes a list as its second argument, got an untyped constant)");
  Invalid(Call("in", {Attr("a"), List({}, "int")}),
          R"(operator "in" takes a list with at least one element)");
  Invalid(Call("not_in", {Attr("a"), List({"1"})}),
          R"(operator "not_in" takes a list that declares its element type when it is compared )"
          "against an attribute");
  Invalid(Call("in", {Attr("a"), List({"1"}, "uuid")}), R"(unknown filter value type "uuid")");
  Invalid(Call("in", {Attr("a"), List({"x"}, "int")}),
          R"(element "x" of a list of int: strconv.ParseInt: parsing "x": invalid syntax)");
  Invalid(Call("in", {Field("span.duration"), List({"1"}, "int")}),
          "cannot compare span.duration against a list of int: the field holds duration");
}

TEST_F(V3Filter, RefusesWrongValues) {
  Invalid(Call("eq", {Field("span.kind"), Value("SERVER")}),
          R"(cannot compare span.kind against "SERVER": not one of unspecified, internal, server, )"
          "client, producer, consumer");
  Invalid(Call("in", {Field("span.status"), List({"ok", "bad"})}),
          R"(cannot compare span.status against "bad": not one of unset, ok, error)");
  Invalid(Call("gt", {Field("span.duration"), Value("banana")}),
          R"(cannot compare span.duration against "banana": time: invalid duration "banana")");
  Invalid(Call("gt", {Value("noon"), Field("span.startTime")}),
          R"(cannot compare span.startTime against "noon": parsing time "noon" as )"
          R"("2006-01-02T15:04:05.999999999Z07:00": cannot parse "noon" as "2006")");
  Invalid(Call("gt", {Field("event.time"), Value("2026-13-01T00:00:00Z")}),
          R"(cannot compare event.time against "2026-13-01T00:00:00Z": parsing time )"
          R"("2026-13-01T00:00:00Z": month out of range)");
  Invalid(Call("gt", {Field("span.kind"), Value("server")}),
          R"(operator "gt" has no ordering for span.kind)");
  Invalid(Call("lte", {Attr("a"), Value("true", "bool")}),
          R"(operator "lte" has no ordering for a boolean constant)");
  Invalid(
      Call("eq", {Field("span.duration"), Field("span.name")}),
      R"(operator "eq" compares span.duration against span.name, which hold different kinds of )"
      "value");
  Invalid(
      Call("eq", {Field("span.duration"), Value("5", "int")}),
      R"(operator "eq" compares span.duration against an integer constant, which hold different )"
      "kinds of value");
}

TEST_F(V3Filter, RefusesPatterns) {
  const auto pattern = [&](const std::string& text, const std::string& why) {
    Invalid(Call("regex", {Attr("a"), Value(text)}), "operator \"regex\" " + why);
  };
  Invalid(Call("regex", {Attr("a"), Value("5", "int")}),
          R"(operator "regex" takes a constant string as its pattern, got an integer constant)");
  Invalid(Call("regex", {Value("a"), Value("a")}),
          R"(operator "regex" takes a reference, got an untyped constant)");
  Invalid(Call("regex", {Field("span.duration"), Value("5")}),
          R"(operator "regex" matches text, and span.duration holds a duration)");
  pattern("[a", "takes a pattern in RE2 syntax: error parsing regexp: missing closing ]: `[a`");
  pattern("(a", "takes a pattern in RE2 syntax: error parsing regexp: missing closing ): `(a`");
  for (const char* anchored : {"^a", "a$", "\\Aa", "a\\z", "a|^b"})
    pattern(anchored, "matches anywhere in the value, so a pattern cannot anchor itself");
  for (const char* word : {"\\ba", "a\\B"})
    pattern(word, "takes a pattern without word boundaries");
  for (const char* lazy : {"a*?", "a+?", "a??", "a{1,2}?", "(?U)a*"})
    pattern(lazy, "asks whether the value matches, so a quantifier cannot be lazy");
  for (const char* folded : {"(?i)a", "(?i:a)"})
    pattern(folded, "matches case-sensitively, so a pattern cannot fold case");
  for (const char* right :
       {"a?", "[$^]", "\\$\\^", "\\Q^$\\E", "(?P<i>a)", "{?", "}?", "[]^]", "(?s).", "(a+)?"}) {
    EXPECT_EQ(Ask(Call("regex", {Attr("a"), Value(right)})).status, 200) << right;
  }
}

TEST_F(V3Filter, RefusesReferencesAndCompany) {
  Invalid(Call("exists", {Attr("a", "zz")}), R"(unknown filter level "zz")");
  Invalid(Call("exists", {Attr("")}), "attribute reference has no key");
  Invalid(Call("exists", {R"({"field":{"name":"name"}})"}),
          "field reference has no level, and a built-in field belongs to one");
  Invalid(Call("exists", {R"({"field":{"level":"span"}})"}), "field reference has no name");
  Invalid(
      Call("exists", {Field("span.color")}),
      R"(unknown built-in field "color" at the "span" level; name an attribute to match a tag of )"
      "that name instead");
  Invalid(kFe,
          "it cannot be combined with [service_name]; express those predicates in the filter "
          "instead",
          "&query.serviceName=fe");
  Invalid(kFe,
          "it cannot be combined with [service_name operation_name duration_min duration_max "
          "attributes]; express those predicates in the filter instead",
          "&query.service_name=fe&query.operation_name=x&query.duration_min=1s&"
          "query.duration_max=2s&query.attributes=%7B%7D");
  std::vector<std::string> many(1025, "a");
  Refuses(Call("in", {Attr("a"), List(many, "string")}),
          "this storage backend cannot serve this query filter: the query has more than 1024 "
          "conditions");
}

}  // namespace
}  // namespace tracestore::server
