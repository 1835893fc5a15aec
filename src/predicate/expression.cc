// The members of Expression and Query (include/tracestore/query.h).
#include <tracestore/query.h>

#include <algorithm>

namespace tracestore {
namespace {

using Kind = Expression::Kind;

Expression Make(Kind kind, std::vector<Expression> children) {
  Expression expression;
  expression.kind = kind;
  expression.children = std::move(children);
  return expression;
}

Expression MakeOfOne(Kind kind, Expression child) {
  std::vector<Expression> only;
  only.push_back(std::move(child));
  return Make(kind, std::move(only));
}

bool IsEmptyAnd(const Expression& e) { return e.kind == Kind::kAnd && e.children.empty(); }

// Query's members collect in a kSomeSpan of their own. It is known by an empty kAnd, which is
// true, as the first child of its kAnd: nobody else has a reason to write that.
bool IsCollector(const Expression& e) {
  return e.kind == Kind::kSomeSpan && e.children.size() == 1 &&
         e.children[0].kind == Kind::kAnd && !e.children[0].children.empty() &&
         IsEmptyAnd(e.children[0].children[0]);
}

// `where` as a kAnd that more can be put into.
Expression& AsAnd(Expression& where) {
  if (where.kind != Kind::kAnd) {
    std::vector<Expression> only;
    only.push_back(std::move(where));
    where = Make(Kind::kAnd, std::move(only));
  }
  return where;
}

Condition On(Field field, CompareOp op, std::string value) {
  Condition condition;
  condition.field = field;
  condition.op = op;
  condition.value = std::move(value);
  return condition;
}

}  // namespace

Expression Expression::And(std::vector<Expression> children) {
  return Make(Kind::kAnd, std::move(children));
}
Expression Expression::Or(std::vector<Expression> children) {
  return Make(Kind::kOr, std::move(children));
}
Expression Expression::Not(Expression child) { return MakeOfOne(Kind::kNot, std::move(child)); }
Expression Expression::SomeSpan(Expression child) {
  return MakeOfOne(Kind::kSomeSpan, std::move(child));
}
Expression Expression::SomeEvent(Expression child) {
  return MakeOfOne(Kind::kSomeEvent, std::move(child));
}
Expression Expression::SomeLink(Expression child) {
  return MakeOfOne(Kind::kSomeLink, std::move(child));
}
Expression Expression::Of(Condition condition) {
  Expression expression;
  expression.kind = Kind::kCondition;
  expression.condition = std::move(condition);
  return expression;
}
Expression Expression::Attribute(std::string key, CompareOp op, std::string value, Level level) {
  Condition condition = On(Field::kAttribute, op, std::move(value));
  condition.key = std::move(key);
  condition.level = level;
  return Of(std::move(condition));
}

Query& Query::With(Condition condition) {
  Expression& all = AsAnd(where);
  if (IsTraceField(condition.field)) {
    all.children.push_back(Expression::Of(std::move(condition)));
    return *this;
  }
  auto at = std::find_if(all.children.begin(), all.children.end(), IsCollector);
  if (at == all.children.end()) {
    std::vector<Expression> marked(1);  // the empty kAnd
    all.children.push_back(Expression::SomeSpan(Expression::And(std::move(marked))));
    at = all.children.end() - 1;
  }
  at->children[0].children.push_back(Expression::Of(std::move(condition)));
  return *this;
}

Query& Query::Service(std::string name) {
  return With(On(Field::kService, CompareOp::kEqual, std::move(name)));
}
Query& Query::Operation(std::string name) {
  return With(On(Field::kOperation, CompareOp::kEqual, std::move(name)));
}
Query& Query::Tag(std::string key, std::string value, Level level) {
  Condition condition = On(Field::kAttribute, CompareOp::kEqual, std::move(value));
  condition.key = std::move(key);
  condition.level = level;
  return With(std::move(condition));
}
Query& Query::MinDuration(std::chrono::nanoseconds least) {
  const auto ns = std::max<std::chrono::nanoseconds::rep>(least.count(), 0);
  return With(On(Field::kDuration, CompareOp::kGreaterEqual, std::to_string(ns)));
}
Query& Query::MaxDuration(std::chrono::nanoseconds most) {
  // Nothing is shorter than nothing.
  if (most.count() < 0) return With(On(Field::kDuration, CompareOp::kLess, "0"));
  return With(On(Field::kDuration, CompareOp::kLessEqual, std::to_string(most.count())));
}
Query& Query::ErrorsOnly() {
  return With(On(Field::kStatus, CompareOp::kEqual, StatusCodeName(StatusCode::kError)));
}

}  // namespace tracestore
