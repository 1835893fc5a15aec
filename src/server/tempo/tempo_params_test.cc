#include "server/tempo/tempo_params.h"

#include <gtest/gtest.h>

namespace tracestore::server {
namespace {

net::QueryParams Params(const std::string& text) {
  auto params = net::QueryParams::Parse(text);
  EXPECT_TRUE(params.has_value()) << text;
  return params.has_value() ? *params : net::QueryParams();
}

template <typename T>
void Refuses(const Result<T>& result, const std::string& sentence,
             ErrorCode code = ErrorCode::kInvalidArgument) {
  ASSERT_FALSE(result.has_value()) << sentence;
  EXPECT_EQ(result.error().message(), sentence);
  EXPECT_EQ(result.error().code(), code);
}
void RefusesSearch(const std::string& params, const std::string& sentence) {
  Refuses(ParseTempoSearch(Params(params)), sentence);
}

TEST(TempoParams, ASearchHasDefaults) {
  const TempoSearch search = ParseTempoSearch(Params("")).value();
  EXPECT_EQ(search.limit, 20U);
  EXPECT_EQ(search.spans_per_set, 3U);
  EXPECT_TRUE(search.starts.all());
  EXPECT_TRUE(search.tags.empty());
  EXPECT_FALSE(search.by_query);
}

TEST(TempoParams, ASearchSaysWhatItWants) {
  const TempoSearch search =
      ParseTempoSearch(Params("tags=service.name%3Dfront+http.url%3D%22a+b%22&minDuration=1.5s"
                              "&maxDuration=2m&limit=7&start=100&end=200&spss=0"))
          .value();
  using Tags = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(search.tags, (Tags{{"service.name", "front"}, {"http.url", "a b"}}));
  EXPECT_EQ(search.min_duration_ns, 1'500'000'000U);
  EXPECT_EQ(search.max_duration_ns, 120'000'000'000U);
  EXPECT_EQ(search.limit, 7U);
  EXPECT_EQ(search.spans_per_set, 0U);
  EXPECT_EQ(search.starts.begin_ns, 100'000'000'000U);
  EXPECT_TRUE(search.starts.Contains(200'000'000'000));  // included
  EXPECT_FALSE(search.starts.Contains(200'000'000'001));
}

TEST(TempoParams, TraceQlIsRefusedButWhereItSaysNothing) {
  for (const char* q : {"q=%7B%7D", "q=%7B+%7D", "q=+%7B%7D+"})
    EXPECT_TRUE(ParseTempoSearch(Params(q))->by_query) << q;
  EXPECT_FALSE(ParseTempoSearch(Params("q="))->by_query);
  Refuses(ParseTempoSearch(Params("q=%7B.a%3D1%7D")),
          "TraceQL is not built yet: search by tags, minDuration and maxDuration, or with q={}",
          ErrorCode::kUnsupported);
  RefusesSearch("q=%7B%7D&tags=a%3Db",
                "invalid request: can't specify tags and q in the same query");
}

TEST(TempoParams, RefusesInTemposWords) {
  RefusesSearch("limit=0", "invalid limit: must be a positive number");
  RefusesSearch("limit=x", "invalid limit: strconv.ParseUint: parsing \"x\": invalid syntax");
  RefusesSearch("limit=-1", "invalid limit: strconv.ParseUint: parsing \"-1\": invalid syntax");
  RefusesSearch("limit=4294967296",
                "invalid limit: strconv.ParseUint: parsing \"4294967296\": value out of range");
  RefusesSearch("spss=x", "invalid spss: strconv.ParseUint: parsing \"x\": invalid syntax");
  EXPECT_EQ(ParseTempoSearch(Params("spss=100"))->spans_per_set, 100U);
  RefusesSearch("spss=101", "spans per span set exceeds 100. received 101");
  RefusesSearch("q=%7B%7D&spss=4294967295", "spans per span set exceeds 100. received 4294967295");
  RefusesSearch("start=abc", "invalid start: strconv.ParseUint: parsing \"abc\": invalid syntax");
  RefusesSearch("start=5&end=2", "http parameter start must be before end. received start=5 end=2");
  RefusesSearch("start=5", "http parameter start must be before end. received start=5 end=0");
  RefusesSearch("minDuration=x", "invalid minDuration: time: invalid duration \"x\"");
  RefusesSearch("minDuration=2s&maxDuration=1s",
                "invalid maxDuration: must be greater than minDuration");
  RefusesSearch("tags=a%3D1+a%3D2", "invalid tags: tag a has been set twice");
  RefusesSearch("tags=%3D1", "invalid tags: unexpected '=' at pos 1");
  std::string many = "tags=";
  for (int i = 0; i < 101; ++i) many += "k" + std::to_string(i) + "+";
  RefusesSearch(many, "invalid tags: more than 100");
}

TEST(TempoParams, TraceIdsAreHex) {
  EXPECT_EQ(ParseTempoTraceId("abc001").value(), (TraceId{0, 0xabc001}));
  EXPECT_EQ(ParseTempoTraceId("ABC001").value(), (TraceId{0, 0xabc001}));
  Refuses(ParseTempoTraceId("zz"),
          "trace IDs can only contain hex characters: invalid character 'z' at position 1");
  Refuses(ParseTempoTraceId(std::string(33, 'a')), "trace IDs can't be larger than 128 bits");
  EXPECT_TRUE(CheckTempoTraceParams(Params("start=1&end=2")).has_value());
  Refuses(CheckTempoTraceParams(Params("start=abc")),
          "invalid start: strconv.ParseInt: parsing \"abc\": invalid syntax");
  Refuses(CheckTempoTraceParams(Params("start=5&end=2")),
          "http parameter start must be before end. received start=5 end=2");
  EXPECT_FALSE(CheckTempoTraceParams(Params("q=%7B.a%3D1%7D")).has_value());
}

TEST(TempoParams, ScopesAreNamed) {
  EXPECT_EQ(ParseTempoScope(Params(""))->levels, query::kOnAny);
  EXPECT_EQ(ParseTempoScope(Params("scope=none"))->levels, query::kOnAny);
  EXPECT_EQ(ParseTempoScope(Params("scope=event"))->levels, query::kOnEvent);
  EXPECT_FALSE(ParseTempoScope(Params("scope=span"))->intrinsic);
  EXPECT_EQ(ParseTempoScope(Params("scope=intrinsic"))->levels, 0);
  Refuses(ParseTempoScope(Params("scope=zz")), "invalid scope: zz");
}

void IsTag(std::string_view text, const std::string& key, query::LevelSet levels) {
  const auto tag = ParseTempoTag(text);
  ASSERT_TRUE(tag.has_value()) << text << ": " << tag.error().message();
  EXPECT_FALSE(tag->intrinsic) << text;
  EXPECT_EQ(tag->key, key) << text;
  EXPECT_EQ(tag->levels, levels) << text;
}

TEST(TempoParams, TagsHaveScopes) {
  IsTag("span.http.url", "http.url", query::kOnSpan);
  IsTag("span.a/b", "a/b", query::kOnSpan);
  IsTag("resource.service.name", "service.name", query::kOnResource);
  IsTag("event.x", "x", query::kOnEvent);
  IsTag("link.x", "x", query::kOnLink);
  IsTag("instrumentation.x", "x", query::kOnScope);
  IsTag(".x.y", "x.y", query::kOnSpan | query::kOnResource);
  IsTag(R"(span."x y")", "x y", query::kOnSpan);
  IsTag(R"(span."a\"b\\")", "a\"b\\", query::kOnSpan);
  EXPECT_EQ(ParseTempoTag("status")->intrinsic, TempoIntrinsic::kStatus);
  EXPECT_EQ(ParseTempoTag("trace:rootService")->intrinsic, TempoIntrinsic::kRootService);
  const std::string sentence =
      "please provide a valid tagName: failed to parse identifier service.name: parse error at "
      "line 1, col 2: unknown identifier: service";
  Refuses(ParseTempoTag("service.name"), sentence);
  for (const char* wrong : {"", "span", "span.", R"(span.")", R"(span."a)", R"(span."a"b)",
                            R"(span."")", "foo"}) {
    EXPECT_FALSE(ParseTempoTag(wrong).has_value()) << wrong;
  }
}

TEST(TempoParams, LimitsOfNames) {
  EXPECT_EQ(ParseTempoNameLimit(Params("limit=5000"), true).value(), 5000U);
  EXPECT_EQ(ParseTempoNameLimit(Params(""), true).value(), 0U);
  EXPECT_EQ(ParseTempoNameLimit(Params("limit=x"), false).value(), 0U);
  Refuses(ParseTempoNameLimit(Params("limit=x"), true),
          "invalid limit: strconv.ParseUint: parsing \"x\": invalid syntax");
}

}  // namespace
}  // namespace tracestore::server
