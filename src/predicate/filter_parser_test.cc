#include <tracestore/query.h>

#include <gtest/gtest.h>

#include "predicate/testing/small_world.h"
#include "predicate/text_values.h"

namespace tracestore {
namespace {

std::string Parsed(const std::string& text) {
  const auto where = ParseFilter(text);
  if (!where.has_value()) return where.error().message();
  Query query;
  query.where = *where;
  query.limit = 0;
  const std::string all = predicate::testing::Describe(query);
  return all.substr(0, all.find(" newest"));
}

TEST(ParseFilter, ReadsFieldsAttributesAndLevels) {
  EXPECT_EQ(Parsed("service = checkout"), "service = \"checkout\"");
  EXPECT_EQ(Parsed("name='GET /'"), "operation = \"GET /\"");
  EXPECT_EQ(Parsed("span.http.status_code>=500"), "span.\"http.status_code\" >= \"500\"");
  EXPECT_EQ(Parsed(".a exists"), "any.\"a\" exists ");
  EXPECT_EQ(Parsed("any.a exists"), "any.\"a\" exists ");
  EXPECT_EQ(Parsed("scope.name = x"), "scope.name = \"x\"");
  EXPECT_EQ(Parsed("scope.\"name\" = x"), "scope.\"name\" = \"x\"");
  EXPECT_EQ(Parsed("span.'a \"b\"' = x"), "span.\"a \\\"b\\\"\" = \"x\"");
  EXPECT_EQ(Parsed("link.trace = 0af7651916cd43dd"), "link.trace = \"0af7651916cd43dd\"");
}

TEST(ParseFilter, ReadsValuesInTheirUnits) {
  EXPECT_EQ(Parsed("duration > 1.5ms"), "duration > \"1500000\"");
  EXPECT_EQ(Parsed("trace.duration <= 1h30m"), "trace.duration <= \"5400000000000\"");
  EXPECT_EQ(Parsed("start >= 2023-11-14T22:13:20Z"), "start >= \"1700000000000000000\"");
  EXPECT_EQ(Parsed("start >= 1700000000000000000"), "start >= \"1700000000000000000\"");
  EXPECT_EQ(Parsed("kind = SERVER"), "kind = \"server\"");
  EXPECT_EQ(Parsed("parent.id = \"\""), "parent.id = \"\"");
  EXPECT_EQ(Parsed(R"(service =~ "a\d\"\\.")"), R"(service =~ "a\\d\"\\.")");
  EXPECT_EQ(Parsed(".a = not"), "any.\"a\" = \"not\"");
}

TEST(ParseFilter, BindsNotBeforeAndBeforeOr) {
  EXPECT_EQ(Parsed("service=a or service=b and not service=c"),
            "or(service = \"a\", and(service = \"b\", not(service = \"c\")))");
  EXPECT_EQ(Parsed("(service=a OR service=b) AND NOT any(kind=server and status=error)"),
            "and(or(service = \"a\", service = \"b\"), "
            "not(any(and(kind = \"server\", status = \"error\"))))");
}

TEST(ParseFilter, BindsOneEventOrLink) {
  EXPECT_EQ(Parsed("event(event.name = a and event.k = 1) and not LINK(link.k exists)"),
            "and(event(and(event.name = \"a\", event.\"k\" = \"1\")), "
            "not(link(link.\"k\" exists )))");
  EXPECT_EQ(Parsed("any(event(link(event.offset > -5ms) and service = a))"),
            "any(event(and(link(event.offset > \"-5000000\"), service = \"a\")))");
  EXPECT_EQ(Parsed("event(not event(.a exists))"),
            "column 11: event(…) cannot stand inside another event(…)");
  EXPECT_EQ(Parsed("link(any(.a exists))"),
            "column 6: any(…) cannot stand inside event(…) or link(…)");
  EXPECT_EQ(Parsed("link(root.service = a)"),
            "column 6: 'root.service' is of the whole trace and cannot stand inside link(…)");
  EXPECT_EQ(Parsed("event event.name = a"),
            "column 7: expected '(' after event, found 'event.name'");
}

TEST(ParseFilter, KnowsEveryField) {
  for (const char* text :
       {"trace.id = \"0af7651916cd43dd\"", "trace.id =~ \"^0af\"", "span.id < \"b\"",
        "trace.state ^= \"a=\"", "resource.schema_url = \"x\"", "scope.version >= \"1\"",
        "scope.schema_url != \"x\"", "link.span = \"a1\"", "link.trace_state =~ \"b\"",
        "service < \"m\""}) {
    EXPECT_EQ(Parsed(text), text);
  }
  EXPECT_EQ(Parsed("end < 2023-11-14T22:13:20Z"), "end < \"1700000000000000000\"");
  EXPECT_EQ(Parsed("event.time = 17"), "event.time = \"17\"");
  EXPECT_EQ(Parsed("scope.'version' = 1"), "scope.\"version\" = \"1\"");
  EXPECT_EQ(Parsed("trace.id = x"), "column 12: trace.id is 1 to 32 hex digits, not 'x'");
  EXPECT_EQ(Parsed("duration > -5ms"),
            "column 12: expected a duration such as 10ms, 1.5s or 1h30m, found '-5ms'");
}

TEST(ParseFilter, SaysWhereAndWhatItExpected) {
  EXPECT_EQ(Parsed(""),
            "column 1: expected a field (service, operation, kind, status, duration, start, …), an "
            "attribute (.KEY, span.KEY, resource.KEY, …), not, any(…), event(…), link(…) or '(', "
            "found the end");
  EXPECT_EQ(Parsed("service"),
            "column 8: expected an operator (= != < <= > >= =~ ^= exists), found the end");
  EXPECT_EQ(Parsed("service ="), "column 10: expected a value, found the end");
  EXPECT_EQ(Parsed("service == a"), "column 10: expected a value, found '='");
  EXPECT_EQ(Parsed("service = a service = b"),
            "column 13: expected 'and', 'or' or the end, found 'service'");
  EXPECT_EQ(Parsed("(service = a"), "column 13: expected 'and', 'or' or ')', found the end");
  EXPECT_EQ(Parsed("service = \xC3\xA4 and foo = 1"),
            "column 17: expected a field (service, operation, kind, status, duration, start, …), "
            "an attribute (.KEY, span.KEY, resource.KEY, …), not, any(…), event(…), link(…) or "
            "'(', found 'foo'");
  EXPECT_EQ(Parsed("duration > 10"),
            "column 12: expected a duration such as 10ms, 1.5s or 1h30m, found '10'");
  EXPECT_EQ(Parsed("start > yesterday"),
            "column 9: expected a time such as 2023-11-14T22:13:20Z or Unix nanoseconds, found "
            "'yesterday'");
  EXPECT_EQ(Parsed("service = \"a"), "column 11: a quote that is never closed: \"");
  EXPECT_EQ(Parsed("service ! a"),
            "column 9: '!' is no operator; there are = != < <= > >= =~ ^= exists");
  EXPECT_EQ(Parsed("kind > server"), "column 6: operator > is not for kind, which takes = !=");
  EXPECT_EQ(Parsed("kind = srv"),
            "column 8: kind is one of unspecified, internal, server, client, producer, consumer, "
            "not 'srv'");
  EXPECT_EQ(Parsed(".a =~ ("), "column 7: expected a value, found '('");
  EXPECT_EQ(Parsed(".a =~ '('"), "column 7: bad regular expression '(': missing ): (");
  EXPECT_EQ(Parsed("any(trace.spans > 1)"),
            "column 5: 'trace.spans' is of the whole trace and cannot stand inside any(…)");
  EXPECT_EQ(Parsed("any(any(.a exists))"), "column 5: any(…) cannot stand inside another any(…)");
  EXPECT_EQ(Parsed("any .a exists"), "column 5: expected '(' after any, found '.a'");
}

TEST(ParseFilter, BoundsDepthAndConditions) {
  const std::string parens(200, '(');
  EXPECT_EQ(Parsed(parens), "column 65: the filter nests more than 64 levels deep");
  std::string nots;
  for (int i = 0; i < 100'000; ++i) nots += "not ";
  EXPECT_EQ(Parsed(nots), "column 257: the filter nests more than 64 levels deep");
  std::string many = ".a exists";
  for (int i = 0; i < 1024; ++i) many += " or .a exists";
  EXPECT_NE(Parsed(many).find("the filter has more than 1024 conditions"), std::string::npos);
}

TEST(ParseFilter, TakesAnyBytesWithoutHarm) {
  const std::string words[] = {"service", "any", "event", "link", "(", ")", "and", "not", "or",
                               "=", "=~", "'x'", "\"", ".", "span.", "span.\"k\"", "exists",
                               "\xFF", "10ms", "^", "!="};
  std::uint64_t state = 1;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += words[(state >> 33) % std::size(words)];
      if ((state >> 60) % 2 == 0) text += ' ';
    }
    const auto result = ParseFilter(text);
    if (result.has_value()) continue;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ParseDuration, ReadsGoDurations) {
  const auto ns = [](std::string_view text) {
    const auto duration = ParseDuration(text);
    return duration.has_value() ? std::to_string(duration->count()) : duration.error().message();
  };
  EXPECT_EQ(ns("10ms"), "10000000");
  EXPECT_EQ(ns("1.5s"), "1500000000");
  EXPECT_EQ(ns("1h30m"), "5400000000000");
  EXPECT_EQ(ns("250us"), "250000");
  EXPECT_EQ(ns("250\xC2\xB5s"), "250000");
  EXPECT_EQ(ns("100ns"), "100");
  EXPECT_EQ(ns("-2m"), "-120000000000");
  EXPECT_EQ(ns(".5s"), "500000000");
  EXPECT_EQ(ns("0"), "0");
  EXPECT_EQ(ns("0.000000001s"), "1");
  EXPECT_EQ(ns("2562047h47m16.854775807s"), "9223372036854775807");
  for (const char* bad : {"", "10", "ms", ".s", "1x", "10ms ", "2562048h",
                          "9999999999999999999999s",
                          "1h 2m", "--1s"}) {
    EXPECT_EQ(ns(bad), "'" + std::string(bad) + "' is not a duration such as 10ms, 1.5s or 1h30m");
  }
}

TEST(ParseTime, ReadsRfc3339) {
  using predicate::ParseTime;
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00Z"), 0U);
  EXPECT_EQ(ParseTime("2023-11-14T22:13:20.000000001Z"), 1'700'000'000'000'000'001U);
  EXPECT_EQ(ParseTime("2023-11-14T23:13:20+01:00"), 1'700'000'000'000'000'000U);
  EXPECT_EQ(ParseTime("2554-07-21T00:00:00Z"), 18446659200000000000U);
  for (const char* bad : {"", "2023-11-14", "2023-11-14T22:13:20", "2023-02-30T00:00:00Z",
                          "1969-12-31T23:59:59Z", "2555-01-01T00:00:00Z",
                          "2023-11-14T22:13:20.0000000001Z", "2023-11-14T22:13:20.Z",
                          "2023-11-14T22:13:20Zx", "2023-11-14T25:00:00Z"}) {
    EXPECT_EQ(ParseTime(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace tracestore
