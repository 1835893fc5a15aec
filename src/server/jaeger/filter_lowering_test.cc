// That filters are served by the indexes and summaries that serve the same question asked in other
// ways.
#include "server/jaeger/filter_lowering.h"

#include <gtest/gtest.h>

#include "predicate/compiled_query.h"
#include "server/jaeger/filter_test_support.h"

namespace tracestore::server {
namespace {

using namespace filter_json;
using predicate::CompiledQuery;
using predicate::Hint;

CompiledQuery Compiled(const std::string& json) {
  auto tree = codec::DecodeFilterJson(json);
  auto filter = ReadFilter(std::move(tree).value());
  EXPECT_TRUE(ValidateFilter(*filter).has_value()) << json;
  Query query;
  query.where = Expression::SomeSpan(LowerFilter(*filter));
  auto compiled = CompiledQuery::Compile(query);
  EXPECT_TRUE(compiled.has_value()) << json;
  return std::move(compiled).value();
}

Hint Single(const std::string& json) {
  const CompiledQuery query = Compiled(json);
  EXPECT_EQ(query.leaf_count(), 1u);
  const auto& hints = query.hints(0);
  EXPECT_EQ(hints.size(), 1u) << json;
  return hints.empty() ? Hint{} : hints[0].front();
}

TEST(FilterLowering, LeavesOneLeafThatIndexesServe) {
  EXPECT_EQ(Single(Call("eq", {Field("resource.service"), Value("a")})).kind, Hint::Kind::kService);
  EXPECT_EQ(Single(Call("and", {Arg(Call("eq", {Value("a"), Field("resource.service")})),
                                Arg(Call("eq", {Field("span.name"), Value("b")}))}))
                .kind,
            Hint::Kind::kServiceOperation);
  EXPECT_EQ(Single(Call("eq", {Field("span.status"), Value("error")})).kind, Hint::Kind::kStatus);
  EXPECT_EQ(
      Single(Call("eq", {Field("span.traceID"), Value("0af7651916cd43dd8448eb211c80319c")})).kind,
      Hint::Kind::kTraceId);
  EXPECT_EQ(Single(Call("in", {Attr("k"), List({"1", "2"}, "int")})).kind,
            Hint::Kind::kAttributeEqual);
  const Hint equal = Single(Call("eq", {Attr("k", "event"), Value("1.50", "double")}));
  EXPECT_EQ(equal.kind, Hint::Kind::kAttributeEqual);
  EXPECT_EQ(equal.level, Level::kEvent);
  EXPECT_EQ(equal.b, "1.5");
  for (const char* op : {"ne", "gt", "regex"}) {
    EXPECT_EQ(Single(Call(op, {Attr("k"), Value("1")})).kind, Hint::Kind::kAttributeExists) << op;
  }
  EXPECT_EQ(
      Single(Call("some", {Nested("event"), Arg(Call("eq", {Field("event.name"), Value("a")}))}))
          .kind,
      Hint::Kind::kEventName);
  EXPECT_EQ(
      Single(Call("eq", {Field("link.traceID"), Value("0af7651916cd43dd8448eb211c80319c")})).kind,
      Hint::Kind::kLinkTraceId);
}

TEST(FilterLowering, BoundsTimesAndNamesServices) {
  const CompiledQuery slow = Compiled(
      Call("and", {Arg(Call("gt", {Field("span.duration"), Value("1us")})),
                   Arg(Call("lte", {Field("span.startTime"), Value("1970-01-01T00:00:01Z")}))}));
  EXPECT_EQ(slow.DurationBounds(0).least, 1001u);
  EXPECT_EQ(slow.StartBounds(0).most, 1'000'000'000u);
  const CompiledQuery services =
      Compiled(Call("in", {Field("resource.service"), List({"a", "b"})}));
  EXPECT_TRUE(services.outline(0).exact);
  EXPECT_EQ(services.outline(0).services, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(services.NeedsWholeTrace());
}

}  // namespace
}  // namespace tracestore::server
