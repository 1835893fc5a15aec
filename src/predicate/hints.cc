#include "predicate/hints.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tracestore::predicate {
namespace {

using Kind = Expression::Kind;

std::optional<Hint> AttributeHint(const Condition& condition) {
  Hint hint;
  hint.level = condition.level;
  hint.a = condition.key;
  // Every operator needs the key. The empty value is a value like any other, but texts of hints
  // are never empty.
  hint.kind = Hint::Kind::kAttributeExists;
  if (condition.op == CompareOp::kEqual && !condition.value.empty() && !condition.other) {
    hint.kind = Hint::Kind::kAttributeEqual;
    hint.b = condition.value;
  }
  return hint;
}

std::optional<Hint> TextHint(Hint::Kind kind, const std::string& text) {
  // Indexes have a list of the spans without a service, but none of those without another text.
  if (text.empty() && kind != Hint::Kind::kService) return std::nullopt;
  Hint hint;
  hint.kind = kind;
  hint.a = text;
  return hint;
}

std::optional<Hint> NameHint(const Condition& condition) {
  Hint hint;
  if (condition.field == Field::kKind) {
    hint.kind = Hint::Kind::kKind;
    for (int kind = 0; kind <= 5; ++kind) {
      hint.span_kind = static_cast<SpanKind>(kind);
      if (condition.value == SpanKindName(hint.span_kind)) return hint;
    }
    return std::nullopt;
  }
  hint.kind = Hint::Kind::kStatus;
  for (int status = 0; status <= 2; ++status) {
    hint.status = static_cast<StatusCode>(status);
    if (condition.value == StatusCodeName(hint.status)) return hint;
  }
  return std::nullopt;
}

std::optional<Hint> IdHint(const Condition& condition) {
  Hint hint;
  if (condition.field == Field::kLinkTraceId || condition.field == Field::kTraceId) {
    const auto id = TraceId::FromHex(condition.value);
    if (!id || id->empty()) return std::nullopt;
    hint.kind = condition.field == Field::kTraceId ? Hint::Kind::kTraceId
                                                   : Hint::Kind::kLinkTraceId;
    hint.trace_id = *id;
    return hint;
  }
  const auto id = SpanId::FromHex(condition.value);
  if (!id || id->empty()) return std::nullopt;
  hint.kind = condition.field == Field::kSpanId ? Hint::Kind::kSpanId : Hint::Kind::kParentId;
  hint.span_id = *id;
  return hint;
}

std::optional<Hint> HintOf(const Condition& condition) {
  if (condition.field == Field::kAttribute) return AttributeHint(condition);
  if (condition.op != CompareOp::kEqual || condition.other) return std::nullopt;
  switch (condition.field) {
    case Field::kService: return TextHint(Hint::Kind::kService, condition.value);
    case Field::kOperation: return TextHint(Hint::Kind::kOperation, condition.value);
    case Field::kScopeName: return TextHint(Hint::Kind::kScopeName, condition.value);
    case Field::kEventName: return TextHint(Hint::Kind::kEventName, condition.value);
    case Field::kKind:
    case Field::kStatus: return NameHint(condition);
    case Field::kSpanId:
    case Field::kParentId:
    case Field::kTraceId:
    case Field::kLinkTraceId: return IdHint(condition);
    default: return std::nullopt;
  }
}

const Hint* Single(const std::vector<Hint>& alternatives, Hint::Kind kind) {
  return alternatives.size() == 1 && alternatives[0].kind == kind ? &alternatives[0] : nullptr;
}

// A service and an operation that the same span must have become one.
void JoinServiceAndOperation(LeafHints& hints) {
  const auto find = [&](Hint::Kind kind) {
    return std::find_if(hints.begin(), hints.end(),
                        [&](const auto& one) { return Single(one, kind) != nullptr; });
  };
  const auto service = find(Hint::Kind::kService);
  const auto operation = find(Hint::Kind::kOperation);
  if (service == hints.end() || operation == hints.end()) return;
  Hint both;
  both.kind = Hint::Kind::kServiceOperation;
  both.a = service->front().a;
  both.b = operation->front().a;
  *service = {std::move(both)};
  hints.erase(operation);
}

// Lower is more selective, by a guess: for one branch of an OR only one list can stand.
int Breadth(const std::vector<Hint>& alternatives) {
  int worst = 0;
  for (const Hint& hint : alternatives) {
    int breadth = 0;
    switch (hint.kind) {
      case Hint::Kind::kSpanId:
      case Hint::Kind::kParentId:
      case Hint::Kind::kTraceId:
      case Hint::Kind::kLinkTraceId: breadth = 0; break;
      case Hint::Kind::kAttributeEqual: breadth = 1; break;
      case Hint::Kind::kServiceOperation: breadth = 2; break;
      case Hint::Kind::kOperation: breadth = 3; break;
      case Hint::Kind::kEventName: breadth = 4; break;
      case Hint::Kind::kService: breadth = 5; break;
      case Hint::Kind::kAttributeExists: breadth = 6; break;
      case Hint::Kind::kScopeName: breadth = 7; break;
      case Hint::Kind::kStatus:
        breadth = hint.status == StatusCode::kError ? 4 : 9;
        break;
      case Hint::Kind::kKind: breadth = 8; break;
    }
    worst = std::max(worst, breadth);
  }
  return worst * 1024 + static_cast<int>(alternatives.size());
}

LeafHints OrHints(const Expression& expression) {
  std::vector<Hint> alternatives;
  for (const Expression& child : expression.children) {
    LeafHints hints = HintsOf(child);
    if (hints.empty()) return {};
    const auto best = std::min_element(
        hints.begin(), hints.end(),
        [](const auto& x, const auto& y) { return Breadth(x) < Breadth(y); });
    for (Hint& hint : *best) {
      if (std::find(alternatives.begin(), alternatives.end(), hint) == alternatives.end())
        alternatives.push_back(std::move(hint));
    }
  }
  if (alternatives.empty()) return {};  // an empty OR: never true, but a list is never empty
  return {std::move(alternatives)};
}

std::optional<std::uint64_t> Number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void Bounds::Narrow(CompareOp op, std::uint64_t value) noexcept {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  const auto nothing = [&] { least = kMost; most = 0; };
  switch (op) {
    case CompareOp::kEqual:
      least = std::max(least, value);
      most = std::min(most, value);
      break;
    case CompareOp::kLess:
      if (value == 0) nothing(); else most = std::min(most, value - 1);
      break;
    case CompareOp::kLessEqual: most = std::min(most, value); break;
    case CompareOp::kGreater:
      if (value == kMost) nothing(); else least = std::max(least, value + 1);
      break;
    case CompareOp::kGreaterEqual: least = std::max(least, value); break;
    default: break;
  }
}

// Both recurse at most kMaxExpressionDepth deep: expressions were validated.
LeafHints HintsOf(const Expression& leaf) {
  switch (leaf.kind) {
    case Kind::kCondition: {
      auto hint = HintOf(leaf.condition);
      if (!hint) return {};
      return {{std::move(*hint)}};
    }
    case Kind::kSomeSpan:
    case Kind::kSomeEvent:
    case Kind::kSomeLink: return HintsOf(leaf.children[0]);
    case Kind::kAnd: {
      LeafHints hints;
      for (const Expression& child : leaf.children) {
        for (auto& alternatives : HintsOf(child)) {
          if (std::find(hints.begin(), hints.end(), alternatives) == hints.end())
            hints.push_back(std::move(alternatives));
        }
      }
      JoinServiceAndOperation(hints);
      return hints;
    }
    case Kind::kOr: return OrHints(leaf);
    case Kind::kNot: break;
  }
  return {};
}

Bounds BoundsOf(const Expression& expression, Field field) {
  Bounds bounds;
  if (expression.kind == Kind::kCondition && expression.condition.field == field &&
      !expression.condition.other) {
    if (const auto value = Number(expression.condition.value))
      bounds.Narrow(expression.condition.op, *value);
  } else if (expression.kind == Kind::kAnd) {
    for (const Expression& child : expression.children) {
      const Bounds inner = BoundsOf(child, field);
      bounds.least = std::max(bounds.least, inner.least);
      bounds.most = std::min(bounds.most, inner.most);
    }
  } else if (expression.kind == Kind::kSomeEvent || expression.kind == Kind::kSomeLink) {
    bounds = BoundsOf(expression.children[0], field);
  } else if (expression.kind == Kind::kOr && !expression.children.empty()) {
    bounds = {~std::uint64_t{0}, 0};
    for (const Expression& child : expression.children) {
      const Bounds inner = BoundsOf(child, field);
      if (inner.least > inner.most) continue;  // that branch is never true
      bounds.least = std::min(bounds.least, inner.least);
      bounds.most = std::max(bounds.most, inner.most);
    }
  }
  return bounds;
}

}  // namespace tracestore::predicate
