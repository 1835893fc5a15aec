// Every sentence that refuses a query.filter.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/jaeger/v3_filter_test_support.h"

namespace tracestore::server {
namespace {

using namespace filter_json;

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
