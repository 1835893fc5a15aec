#include "predicate/compiled_query.h"

#include <gtest/gtest.h>

#include "predicate/batch_binding.h"
#include "predicate/trace_evaluator.h"

namespace tracestore::predicate {
namespace {

Condition On(Field field, CompareOp op, std::string value) {
  Condition condition;
  condition.field = field;
  condition.op = op;
  condition.value = std::move(value);
  return condition;
}

std::string ErrorOf(const Expression& where) {
  Query query;
  query.where = where;
  const auto compiled = CompiledQuery::Compile(query);
  return compiled.has_value() ? "no error" : compiled.error().message();
}

CompiledQuery Compile(const Query& query) {
  auto compiled = CompiledQuery::Compile(query);
  EXPECT_TRUE(compiled.has_value()) << (compiled ? "" : compiled.error().message());
  return std::move(compiled).value();
}

CompiledQuery CompileFilter(const std::string& filter) {
  Query query;
  auto where = ParseFilter(filter);
  EXPECT_TRUE(where.has_value()) << (where ? "" : where.error().message());
  query.where = std::move(where).value();
  return Compile(query);
}

TEST(CompiledQuery, RefusesWrongQueriesWithASentence) {
  EXPECT_EQ(ErrorOf(Expression::Of(On(Field::kKind, CompareOp::kLess, "server"))),
            "operator < is not for kind, which takes = !=");
  EXPECT_EQ(ErrorOf(Expression::Of(On(Field::kLinkTraceId, CompareOp::kEqual, "x"))),
            "link.trace is 1 to 32 hex digits, not 'x'");
  EXPECT_EQ(ErrorOf(Expression::Of(On(Field::kService, CompareOp::kExists, ""))),
            "operator exists is not for service, which takes = != < <= > >= =~ ^=");
  EXPECT_EQ(ErrorOf(Expression::Of(On(Field::kKind, CompareOp::kEqual, "SERVER"))),
            "kind is one of unspecified, internal, server, client, producer, consumer, not 'SERVER'");
  EXPECT_EQ(ErrorOf(Expression::Of(On(Field::kDuration, CompareOp::kLess, "10ms"))),
            "duration is compared with a number of nanoseconds, not '10ms'");
  EXPECT_EQ(ErrorOf(Expression::Of(On(Field::kSpanId, CompareOp::kEqual, "xyz"))),
            "span.id is 1 to 16 hex digits, not 'xyz'");
  EXPECT_EQ(ErrorOf(Expression::Of(On(Field::kService, CompareOp::kRegex, "a("))),
            "bad regular expression 'a(': missing ): a(");
  EXPECT_EQ(ErrorOf(Expression::SomeSpan(
                Expression::Of(On(Field::kTraceDuration, CompareOp::kLess, "1")))),
            "trace.duration is of the whole trace and cannot stand inside any(…)");
  EXPECT_EQ(ErrorOf(Expression::SomeSpan(Expression::SomeSpan({}))),
            "any(…) cannot stand inside another any(…)");
  EXPECT_EQ(ErrorOf(Expression::Attribute("", CompareOp::kExists, "")),
            "an attribute is named by a key that isn't empty");
  Expression childless;
  childless.kind = Expression::Kind::kNot;
  EXPECT_EQ(ErrorOf(childless), "not takes one expression, got 0");
}

TEST(CompiledQuery, BoundsDepthAndConditions) {
  Expression deep = Expression::Attribute("k", CompareOp::kExists, "");
  for (unsigned i = 1; i < kMaxExpressionDepth; ++i) deep = Expression::Not(std::move(deep));
  EXPECT_EQ(ErrorOf(deep), "no error");
  EXPECT_EQ(ErrorOf(Expression::Not(deep)), "the query nests more than 64 levels deep");
  std::vector<Expression> many(kMaxConditions, Expression::Attribute("k", CompareOp::kExists, ""));
  EXPECT_EQ(ErrorOf(Expression::And(many)), "no error");
  many.push_back(many[0]);
  EXPECT_EQ(ErrorOf(Expression::Or(many)), "the query has more than 1024 conditions");
}

TEST(CompiledQuery, SaysWhatAPartCanDecide) {
  EXPECT_FALSE(Compile(Query{}).NeedsWholeTrace());
  EXPECT_FALSE(CompileFilter("service = a or any(kind = server and .k exists)").NeedsWholeTrace());
  EXPECT_EQ(CompileFilter("service = a or any(kind = server)").leaf_count(), 1U);
  EXPECT_TRUE(CompileFilter("service = a and service = b").NeedsWholeTrace());
  EXPECT_TRUE(CompileFilter("service = a and service = b").monotone());
  EXPECT_TRUE(CompileFilter("not service = a").NeedsWholeTrace());
  EXPECT_FALSE(CompileFilter("not service = a").monotone());
  EXPECT_TRUE(CompileFilter("trace.spans > 3").trace_needs().spans);
  Query ranged;
  ranged.trace_start = {5, 10};
  EXPECT_TRUE(Compile(ranged).NeedsWholeTrace());
  EXPECT_EQ(Compile(ranged).TraceStartBounds().least, 5U);
  EXPECT_EQ(Compile(ranged).TraceStartBounds().most, 9U);
}

TEST(CompiledQuery, HintsAServiceWithItsOperation) {
  Query query;
  query.Service("cart").Operation("GET").Tag("user", "7", Level::kSpan);
  const CompiledQuery compiled = Compile(query);
  ASSERT_EQ(compiled.leaf_count(), 1U);
  const LeafHints& hints = compiled.hints(0);
  ASSERT_EQ(hints.size(), 2U);
  EXPECT_EQ(hints[0][0].kind, Hint::Kind::kServiceOperation);
  EXPECT_EQ(hints[0][0].a, "cart");
  EXPECT_EQ(hints[0][0].b, "GET");
  EXPECT_EQ(hints[1][0].kind, Hint::Kind::kAttributeEqual);
  EXPECT_EQ(hints[1][0].level, Level::kSpan);
}

TEST(CompiledQuery, HintsSpansThatNameNoService) {
  Query query;
  query.where = Expression::SomeSpan(Expression::Of(On(Field::kService, CompareOp::kEqual, "")));
  const CompiledQuery compiled = Compile(query);
  ASSERT_EQ(compiled.hints(0).size(), 1U);
  EXPECT_EQ(compiled.hints(0)[0][0].kind, Hint::Kind::kService);
  EXPECT_EQ(compiled.hints(0)[0][0].a, "");
  EXPECT_TRUE(compiled.outline(0).exact);
  EXPECT_EQ(compiled.outline(0).services, std::vector<std::string>{""});
  // What is compared with something else has no value to look for.
  Condition other = On(Field::kService, CompareOp::kEqual, "");
  other.other = Reference{};
  other.other->field = Field::kOperation;
  query.where = Expression::SomeSpan(Expression::Of(other));
  EXPECT_FALSE(Compile(query).outline(0).exact);
  EXPECT_TRUE(Compile(query).hints(0).empty());
}

TEST(CompiledQuery, HintsAnOrOnlyWhereEachBranchHasOne) {
  EXPECT_EQ(CompileFilter("any(service = a or (service = b and operation = x))").hints(0).size(), 1U);
  EXPECT_TRUE(CompileFilter("any(service = a or duration > 1s)").hints(0).empty());
  EXPECT_TRUE(CompileFilter("any(not service = a)").hints(0).empty());
  EXPECT_EQ(CompileFilter("duration > 1s").DurationBounds(0).least, 1'000'000'001U);
}

TEST(CompiledQuery, MembersCollectInOneSomeSpanBesideTheUsersOwn) {
  Query query;
  query.where = Expression::SomeSpan(Expression::Of(On(Field::kService, CompareOp::kEqual, "a")));
  query.Service("b").ErrorsOnly().With(On(Field::kTraceSpans, CompareOp::kLess, "9"));
  const CompiledQuery compiled = Compile(query);
  EXPECT_EQ(compiled.leaf_count(), 2U);
  EXPECT_EQ(compiled.required_leaves().size(), 2U);
  EXPECT_TRUE(compiled.trace_needs().spans);
}

TEST(CompiledQuery, HashTellsQueriesApartAndIgnoresPaging) {
  Query a;
  a.Service("x");
  Query b = a;
  b.limit = 7;
  b.cursor = "c";
  EXPECT_EQ(Compile(a).hash(), Compile(b).hash());
  b.order = Order::kLongest;
  EXPECT_NE(Compile(a).hash(), Compile(b).hash());
  Query c;
  c.Service("y");
  EXPECT_NE(Compile(a).hash(), Compile(c).hash());
}

TEST(CompiledQuery, NeedsOnlyWhatConditionsName) {
  const Needs needs = CompileFilter("service = a and span.user = 7 and event.x exists").needs();
  EXPECT_TRUE(needs.service && needs.resource_attributes && needs.span_attributes);
  EXPECT_TRUE(needs.event_attributes);
  EXPECT_FALSE(needs.link_attributes || needs.scope_attributes || needs.duration);
  EXPECT_EQ(needs.attribute_keys, (std::vector<std::string>{"service.name", "user", "x"}));
}

// One span of one trace with attributes as the test likes.
class OneSpan {
 public:
  OneSpan() {
    batch.resources.emplace_back();
    batch.scopes.emplace_back();
    model::SpanRecord span;
    span.trace_id = {0, 1};
    span.span_id = {2};
    batch.spans.push_back(span);
  }
  bool Finds(const std::string& filter) {
    batch.spans[0].attributes = {0, static_cast<std::uint32_t>(batch.attributes.size())};
    const CompiledQuery query = CompileFilter(filter);
    BatchBinding binding(query, batch);
    TraceEvaluator evaluator(query);
    evaluator.Add(binding, 0);
    return evaluator.Matches();
  }
  model::SpanBatch batch;
};

TEST(Comparison, EqualityAcrossTypesComparesCanonicalTexts) {
  OneSpan one;
  const auto key = one.batch.strings.Intern("k");
  one.batch.AddInt(key, 123);
  EXPECT_TRUE(one.Finds(".k = 123"));
  EXPECT_FALSE(one.Finds(".k = 123.0"));
  EXPECT_FALSE(one.Finds(".k = 0123"));
  EXPECT_TRUE(one.Finds(".k != 124"));
  EXPECT_FALSE(one.Finds(".k != 123"));
  EXPECT_FALSE(one.Finds(".other != 123"));
  EXPECT_TRUE(one.Finds("not .other = 123"));
  one.batch.AddBool(key, true);
  EXPECT_TRUE(one.Finds("span.k = true"));
  EXPECT_TRUE(one.Finds(".k != 123")) << "any value that differs";
  one.batch.AddDouble(key, 72.5);
  EXPECT_TRUE(one.Finds(".k = 72.5"));
  EXPECT_TRUE(one.Finds(".k =~ '^7.*5$'"));
  one.batch.AddBlob(key, ValueType::kBytes, "abc");
  EXPECT_TRUE(one.Finds(".k = YWJj"));
  EXPECT_FALSE(one.Finds(".k = abc"));
  EXPECT_FALSE(one.Finds("resource.k exists"));
}

TEST(Comparison, OrdersNumbersAndNumericTextOnly) {
  OneSpan one;
  const auto key = one.batch.strings.Intern("k");
  one.batch.AddString(key, "9");
  EXPECT_TRUE(one.Finds(".k < 500"));
  EXPECT_TRUE(one.Finds(".k >= 9.0"));
  EXPECT_FALSE(one.Finds(".k < abc"));
  one.batch.attributes.clear();
  one.batch.AddString(key, "9 apples");
  EXPECT_FALSE(one.Finds(".k < 500"));
  EXPECT_FALSE(one.Finds("not (.k exists and not .k < 500)"));
}

TEST(TraceEvaluator, FindsNoTraceOfFirehoseSpansOnly) {
  OneSpan one;
  EXPECT_TRUE(one.Finds("trace.spans = 1"));
  EXPECT_TRUE(one.Finds("not service = x"));
  one.batch.spans[0].flags = model::kFlagFirehose;
  EXPECT_FALSE(one.Finds("trace.spans = 1"));
  EXPECT_FALSE(one.Finds("not service = x"));
}

}  // namespace
}  // namespace tracestore::predicate
