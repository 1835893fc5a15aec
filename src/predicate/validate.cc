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
    case Field::kRootService:
    case Field::kRootOperation: return Ordering::kText;
    case Field::kDuration:
    case Field::kStart:
    case Field::kTraceDuration:
    case Field::kTraceStart:
    case Field::kTraceSpans: return Ordering::kNumber;
    case Field::kKind:
    case Field::kStatus:
    case Field::kSpanId:
    case Field::kParentId:
    case Field::kLinkTraceId: break;
  }
  return Ordering::kNone;
}

struct Visit {
  const Expression* expression;
  unsigned depth;
  bool in_span;
};

Status CheckNode(const Visit& at) {
  const Expression& e = *at.expression;
  if (at.depth > kMaxExpressionDepth) {
    return Invalid("the query nests more than " + std::to_string(kMaxExpressionDepth) +
                   " levels deep");
  }
  switch (e.kind) {
    case Expression::Kind::kAnd:
    case Expression::Kind::kOr: return {};
    case Expression::Kind::kNot:
      if (e.children.size() == 1) return {};
      return Invalid("not takes one expression, got " + std::to_string(e.children.size()));
    case Expression::Kind::kSomeSpan:
      if (at.in_span) return Invalid("any(…) cannot stand inside another any(…)");
      if (e.children.size() == 1) return {};
      return Invalid("any(…) takes one expression, got " + std::to_string(e.children.size()));
    case Expression::Kind::kCondition:
      if (at.in_span && IsTraceField(e.condition.field)) {
        return Invalid(std::string(FieldName(e.condition.field)) +
                       " is of the whole trace and cannot stand inside any(…)");
      }
      return ValidateOp(e.condition.field, e.condition.op);
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
    case CompareOp::kNotEqual: allowed = field != Field::kLinkTraceId; break;
    case CompareOp::kLess:
    case CompareOp::kLessEqual:
    case CompareOp::kGreater:
    case CompareOp::kGreaterEqual:
      allowed = ordering == Ordering::kNumber || ordering == Ordering::kAttribute;
      break;
    case CompareOp::kRegex:
    case CompareOp::kPrefix:
      allowed = ordering == Ordering::kText || ordering == Ordering::kAttribute;
      break;
    case CompareOp::kExists: allowed = ordering == Ordering::kAttribute; break;
  }
  if (allowed) return {};
  const char* known = "= !=";
  if (field == Field::kLinkTraceId) known = "=";
  if (ordering == Ordering::kText) known = "= != =~ ^=";
  if (ordering == Ordering::kNumber) known = "= != < <= > >=";
  return Invalid(std::string("operator ") + OpName(op) + " is not for " + FieldName(field) +
                 ", which takes " + known);
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
    const bool in_span = at.in_span || at.expression->kind == Expression::Kind::kSomeSpan;
    for (auto child = at.expression->children.rbegin(); child != at.expression->children.rend();
         ++child) {
      open.push_back({&*child, at.depth + 1, in_span});
    }
  }
  return {};
}

}  // namespace tracestore::predicate
