#include "predicate/validate.h"

#include <vector>

namespace tracestore::predicate {
namespace {

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

enum class Ordering { kNone, kText, kNumber, kAttribute };

Ordering OrderingOf(Field field) noexcept {
  switch (field) {
    case Field::kAttribute: return Ordering::kAttribute;
    case Field::kService:
    case Field::kOperation:
    case Field::kStatusMessage:
    case Field::kScopeName:
    case Field::kEventName:
    case Field::kSpanId:
    case Field::kParentId:
    case Field::kLinkTraceId:
    case Field::kLinkSpanId:
    case Field::kLinkTraceState:
    case Field::kTraceId:
    case Field::kTraceState:
    case Field::kResourceSchemaUrl:
    case Field::kScopeVersion:
    case Field::kScopeSchemaUrl:
    case Field::kRootService:
    case Field::kRootOperation: return Ordering::kText;
    case Field::kDuration:
    case Field::kStart:
    case Field::kEnd:
    case Field::kEventTime:
    case Field::kEventOffset:
    case Field::kTraceDuration:
    case Field::kTraceStart:
    case Field::kTraceSpans: return Ordering::kNumber;
    case Field::kKind:
    case Field::kStatus: break;
  }
  return Ordering::kNone;
}

struct Visit {
  const Expression* expression;
  unsigned depth;
  bool in_span;
  bool in_event = false;
  bool in_link = false;
};

Status CheckOfOne(const Expression& e, const char* name) {
  if (e.children.size() == 1) return {};
  return Invalid(std::string(name) + " takes one expression, got " +
                 std::to_string(e.children.size()));
}

Status CheckNode(const Visit& at) {
  const Expression& e = *at.expression;
  if (at.depth > kMaxExpressionDepth) {
    return Invalid("the query nests more than " + std::to_string(kMaxExpressionDepth) +
                   " levels deep");
  }
  switch (e.kind) {
    case Expression::Kind::kAnd:
    case Expression::Kind::kOr: return {};
    case Expression::Kind::kNot: return CheckOfOne(e, "not");
    case Expression::Kind::kSomeSpan:
      if (at.in_span) return Invalid("any(…) cannot stand inside another any(…)");
      return CheckOfOne(e, "any(…)");
    case Expression::Kind::kSomeEvent:
      if (at.in_event) return Invalid("one event cannot be asked for inside another");
      return CheckOfOne(e, "one event");
    case Expression::Kind::kSomeLink:
      if (at.in_link) return Invalid("one link cannot be asked for inside another");
      return CheckOfOne(e, "one link");
    case Expression::Kind::kCondition:
      if (at.in_span && IsTraceField(e.condition.field)) {
        return Invalid(std::string(FieldName(e.condition.field)) +
                       " is of the whole trace and cannot stand inside any(…)");
      }
      return ValidateCondition(e.condition);
  }
  return Invalid("the query holds an expression of an unknown kind");
}

}  // namespace

const char* FieldName(Field field) noexcept {
  switch (field) {
    case Field::kAttribute: return "attribute";
    case Field::kService: return "service";
    case Field::kOperation: return "operation";
    case Field::kKind: return "kind";
    case Field::kStatus: return "status";
    case Field::kStatusMessage: return "status.message";
    case Field::kDuration: return "duration";
    case Field::kStart: return "start";
    case Field::kSpanId: return "span.id";
    case Field::kParentId: return "parent.id";
    case Field::kScopeName: return "scope.name";
    case Field::kEventName: return "event.name";
    case Field::kLinkTraceId: return "link.trace";
    case Field::kTraceId: return "trace.id";
    case Field::kTraceState: return "trace.state";
    case Field::kEnd: return "end";
    case Field::kResourceSchemaUrl: return "resource.schema_url";
    case Field::kScopeVersion: return "scope.version";
    case Field::kScopeSchemaUrl: return "scope.schema_url";
    case Field::kEventTime: return "event.time";
    case Field::kEventOffset: return "event.offset";
    case Field::kLinkSpanId: return "link.span";
    case Field::kLinkTraceState: return "link.trace_state";
    case Field::kTraceDuration: return "trace.duration";
    case Field::kTraceStart: return "trace.start";
    case Field::kTraceSpans: return "trace.spans";
    case Field::kRootService: return "root.service";
    case Field::kRootOperation: return "root.operation";
  }
  return "unknown";
}

const char* OpName(CompareOp op) noexcept {
  switch (op) {
    case CompareOp::kEqual: return "=";
    case CompareOp::kNotEqual: return "!=";
    case CompareOp::kLess: return "<";
    case CompareOp::kLessEqual: return "<=";
    case CompareOp::kGreater: return ">";
    case CompareOp::kGreaterEqual: return ">=";
    case CompareOp::kRegex: return "=~";
    case CompareOp::kPrefix: return "^=";
    case CompareOp::kExists: return "exists";
  }
  return "unknown";
}

Status ValidateOp(Field field, CompareOp op) {
  const Ordering ordering = OrderingOf(field);
  bool allowed = false;
  switch (op) {
    case CompareOp::kEqual: allowed = true; break;
    case CompareOp::kNotEqual: allowed = true; break;
    case CompareOp::kLess:
    case CompareOp::kLessEqual:
    case CompareOp::kGreater:
    case CompareOp::kGreaterEqual:
      allowed = ordering != Ordering::kNone;
      break;
    case CompareOp::kRegex:
    case CompareOp::kPrefix:
      allowed = ordering == Ordering::kText || ordering == Ordering::kAttribute;
      break;
    case CompareOp::kExists: allowed = ordering == Ordering::kAttribute; break;
  }
  if (allowed) return {};
  const char* known = "= !=";
  if (ordering == Ordering::kText) known = "= != < <= > >= =~ ^=";
  if (ordering == Ordering::kNumber) known = "= != < <= > >=";
  return Invalid(std::string("operator ") + OpName(op) + " is not for " + FieldName(field) +
                 ", which takes " + known);
}

Status ValidateCondition(const Condition& c) {
  if (c.type != ValueType::kEmpty && c.field != Field::kAttribute)
    return Invalid(std::string(FieldName(c.field)) + " is stored with one type");
  if (c.other) {
    if (IsTraceField(c.field) || IsTraceField(c.other->field))
      return Invalid("a field of the whole trace compares with a value only");
    if (c.other->field == Field::kAttribute && c.other->key.empty())
      return Invalid("an attribute is named by a key that isn't empty");
    if (c.op > CompareOp::kGreaterEqual || c.op == CompareOp::kNotEqual)
      return Invalid(std::string("operator ") + OpName(c.op) + " is not for two names");
    return {};
  }
  return ValidateOp(c.field, c.op);
}

Status ValidateShape(const Expression& expression) {
  unsigned conditions = 0;
  std::vector<Visit> open{{&expression, 1, false}};
  while (!open.empty()) {
    const Visit at = open.back();
    open.pop_back();
    if (Status status = CheckNode(at); !status.has_value()) return status;
    if (at.expression->kind == Expression::Kind::kCondition) {
      if (++conditions > kMaxConditions) {
        return Invalid("the query has more than " + std::to_string(kMaxConditions) +
                       " conditions");
      }
      continue;
    }
    const Expression::Kind kind = at.expression->kind;
    const bool in_event = at.in_event || kind == Expression::Kind::kSomeEvent;
    const bool in_link = at.in_link || kind == Expression::Kind::kSomeLink;
    const bool in_span =
        at.in_span || kind == Expression::Kind::kSomeSpan || in_event || in_link;
    for (auto child = at.expression->children.rbegin(); child != at.expression->children.rend();
         ++child) {
      open.push_back({&*child, at.depth + 1, in_span, in_event, in_link});
    }
  }
  return {};
}

}  // namespace tracestore::predicate
