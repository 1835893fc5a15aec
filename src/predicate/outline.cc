#include "predicate/outline.h"

#include <algorithm>

#include <tracestore/span_types.h>

namespace tracestore::predicate {
namespace {

using Kind = Expression::Kind;

bool IsServiceEqual(const Expression& e) {
  return e.kind == Kind::kCondition && e.condition.field == Field::kService &&
         e.condition.op == CompareOp::kEqual && !e.condition.other;
}

bool IsErrorStatus(const Expression& e) {
  return e.kind == Kind::kCondition && e.condition.field == Field::kStatus &&
         e.condition.op == CompareOp::kEqual &&
         e.condition.value == StatusCodeName(StatusCode::kError);
}

// Recurses at most kMaxExpressionDepth deep: expressions were validated.
void AddConjunct(const Expression& e, LeafOutline& outline) {
  if (e.kind == Kind::kAnd) {
    for (const Expression& child : e.children) AddConjunct(child, outline);
  } else if (IsErrorStatus(e)) {
    outline.errors_only = true;
  } else if (IsServiceEqual(e) && outline.services.empty()) {
    outline.services.push_back(e.condition.value);
  } else if (e.kind == Kind::kOr && !e.children.empty() && outline.services.empty() &&
             std::all_of(e.children.begin(), e.children.end(), IsServiceEqual)) {
    for (const Expression& child : e.children) outline.services.push_back(child.condition.value);
  } else {
    outline.exact = false;
  }
}

}  // namespace

LeafOutline OutlineOf(const Expression& leaf) {
  LeafOutline outline;
  outline.exact = true;
  AddConjunct(leaf, outline);
  return outline;
}

}  // namespace tracestore::predicate
