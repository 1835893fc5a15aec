// ParseFilter (include/tracestore/query.h). Grammar, as docs/filter-language.md has it:
//   filter    = or
//   or        = and { "or" and }
//   and       = unary { "and" unary }
//   unary     = "not" unary | "(" or ")" | ( "any" | "event" | "link" ) "(" or ")" | condition
//   condition = name ( operator value | "exists" )
#include <tracestore/query.h>

#include <algorithm>
#include <optional>

#include "base/try.h"
#include "predicate/condition.h"
#include "predicate/filter_lexer.h"
#include "predicate/text_values.h"
#include "predicate/validate.h"

namespace tracestore {
namespace predicate {
namespace {

using Kind = Token::Kind;

struct FieldWord {
  std::string_view word;
  Field field;
};
constexpr FieldWord kFields[] = {
    {"service", Field::kService},
    {"operation", Field::kOperation},
    {"name", Field::kOperation},
    {"kind", Field::kKind},
    {"status", Field::kStatus},
    {"status.message", Field::kStatusMessage},
    {"duration", Field::kDuration},
    {"start", Field::kStart},
    {"span.id", Field::kSpanId},
    {"parent.id", Field::kParentId},
    {"scope.name", Field::kScopeName},
    {"event.name", Field::kEventName},
    {"link.trace", Field::kLinkTraceId},
    {"trace.id", Field::kTraceId},
    {"trace.state", Field::kTraceState},
    {"end", Field::kEnd},
    {"resource.schema_url", Field::kResourceSchemaUrl},
    {"scope.version", Field::kScopeVersion},
    {"scope.schema_url", Field::kScopeSchemaUrl},
    {"event.time", Field::kEventTime},
    {"event.offset", Field::kEventOffset},
    {"link.span", Field::kLinkSpanId},
    {"link.trace_state", Field::kLinkTraceState},
    {"trace.duration", Field::kTraceDuration},
    {"trace.start", Field::kTraceStart},
    {"trace.spans", Field::kTraceSpans},
    {"root.service", Field::kRootService},
    {"root.operation", Field::kRootOperation},
};

struct LevelWord {
  std::string_view prefix;
  Level level;
};
constexpr LevelWord kLevels[] = {
    {".", Level::kAny},        {"any.", Level::kAny},     {"span.", Level::kSpan},
    {"resource.", Level::kResource}, {"scope.", Level::kScope}, {"event.", Level::kEvent},
    {"link.", Level::kLink},
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsWord(const Token& token, std::string_view word) {
  return token.kind == Kind::kWord && Lower(token.text) == word;
}

// The field, key and level that a name stands for; nullopt where it is none.
std::optional<Condition> ParseName(const Token& token) {
  Condition condition;
  if (token.kind == Kind::kQuotedKey) {
    for (const LevelWord& level : kLevels) {
      if (token.text != level.prefix || token.key.empty()) continue;
      condition.level = level.level;
      condition.key = token.key;
      return condition;
    }
    return std::nullopt;
  }
  if (token.kind != Kind::kWord) return std::nullopt;
  for (const FieldWord& field : kFields) {
    if (token.text != field.word) continue;
    condition.field = field.field;
    return condition;
  }
  const std::string_view text = token.text;
  for (const LevelWord& level : kLevels) {
    if (text.size() <= level.prefix.size() || text.substr(0, level.prefix.size()) != level.prefix)
      continue;
    condition.level = level.level;
    condition.key = text.substr(level.prefix.size());
    return condition;
  }
  return std::nullopt;
}

// The value as Condition has it: durations and times in nanoseconds, names in lower case.
Result<std::string> ParseValue(Field field, const Token& token) {
  const auto all_digits = [](const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  };
  switch (field) {
    case Field::kDuration:
    case Field::kEventOffset:
    case Field::kTraceDuration: {
      const auto duration = ParseDuration(token.text);
      if (!duration.has_value() || (duration->count() < 0 && field != Field::kEventOffset)) {
        return FilterError(token.column, "expected a duration such as 10ms, 1.5s or 1h30m, found " +
                                             token.Describe());
      }
      return std::to_string(duration->count());
    }
    case Field::kStart:
    case Field::kEnd:
    case Field::kEventTime:
    case Field::kTraceStart: {
      if (all_digits(token.text)) return token.text;
      const auto time = ParseTime(token.text);
      if (!time) {
        return FilterError(token.column,
                           "expected a time such as 2023-11-14T22:13:20Z or Unix nanoseconds, "
                           "found " + token.Describe());
      }
      return std::to_string(*time);
    }
    case Field::kKind:
    case Field::kStatus: return Lower(token.text);
    default: return token.text;
  }
}

class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : lexer_(text) {}

  Result<Expression> Parse() {
    TS_TRY(Advance());
    TS_TRY_ASSIGN(Expression expression, ParseOr());
    if (token_.kind != Kind::kEnd)
      return Expected(open_ > 0 ? "'and', 'or' or ')'" : "'and', 'or' or the end");
    return expression;
  }

 private:
  Status Advance() {
    TS_TRY_ASSIGN(token_, lexer_.Next());
    return {};
  }

  Error Expected(const std::string& what) const {
    return FilterError(token_.column, "expected " + what + ", found " + token_.Describe());
  }

  Result<Expression> ParseOr() {
    std::vector<Expression> terms;
    for (;;) {
      TS_TRY_ASSIGN(Expression term, ParseAnd());
      terms.push_back(std::move(term));
      if (!IsWord(token_, "or")) break;
      TS_TRY(Advance());
    }
    if (terms.size() == 1) return std::move(terms[0]);
    return Expression::Or(std::move(terms));
  }

  Result<Expression> ParseAnd() {
    std::vector<Expression> terms;
    for (;;) {
      TS_TRY_ASSIGN(Expression term, ParseUnary());
      terms.push_back(std::move(term));
      if (!IsWord(token_, "and")) break;
      TS_TRY(Advance());
    }
    if (terms.size() == 1) return std::move(terms[0]);
    return Expression::And(std::move(terms));
  }

  // Counts what nests: the depth of the call stack is bounded by it.
  Result<Expression> ParseUnary() {
    if (depth_ >= kMaxExpressionDepth) {
      return FilterError(token_.column, "the filter nests more than " +
                                            std::to_string(kMaxExpressionDepth) +
                                            " levels deep");
    }
    ++depth_;
    Result<Expression> expression = ParseNested();
    --depth_;
    return expression;
  }

  Result<Expression> ParseNested() {
    if (IsWord(token_, "not")) {
      TS_TRY(Advance());
      TS_TRY_ASSIGN(Expression child, ParseUnary());
      return Expression::Not(std::move(child));
    }
    if (token_.kind == Kind::kOpen) return ParseParentheses();
    for (Binder& binder : binders_) {
      if (IsWord(token_, binder.word)) return ParseBound(binder);
    }
    return ParseCondition();
  }

  // A word that binds what stands in its parentheses to one span, event or link.
  struct Binder {
    const char* word;
    Expression (*make)(Expression);
    bool inside = false;
  };

  Result<Expression> ParseBound(Binder& binder) {
    const std::size_t column = token_.column;
    const std::string word = binder.word;
    TS_TRY(Advance());
    if (token_.kind != Kind::kOpen) return Expected("'(' after " + word);
    if (binder.inside)
      return FilterError(column, word + "(…) cannot stand inside another " + word + "(…)");
    if (&binder == &binders_[0] && InOneSpan())
      return FilterError(column, "any(…) cannot stand inside event(…) or link(…)");
    binder.inside = true;
    Result<Expression> child = ParseParentheses();
    binder.inside = false;
    if (!child.has_value()) return child;
    return binder.make(std::move(child).value());
  }

  // Not conditions of their own.
  bool InOneSpan() const {
    return binders_[0].inside || binders_[1].inside || binders_[2].inside;
  }

  Result<Expression> ParseParentheses() {
    TS_TRY(Advance());
    ++open_;
    TS_TRY_ASSIGN(Expression inner, ParseOr());
    if (token_.kind != Kind::kClose) return Expected("'and', 'or' or ')'");
    --open_;
    TS_TRY(Advance());
    return inner;
  }

  Result<Expression> ParseCondition() {
    const Token name = token_;
    if (++conditions_ > kMaxConditions) {
      return FilterError(name.column, "the filter has more than " +
                                          std::to_string(kMaxConditions) + " conditions");
    }
    auto condition = ParseName(name);
    if (!condition) {
      return Expected(
          "a field (service, operation, kind, status, duration, start, …), an attribute (.KEY, "
          "span.KEY, resource.KEY, …), not, any(…), event(…), link(…) or '('");
    }
    if (InOneSpan() && IsTraceField(condition->field)) {
      const char* where =
          binders_[1].inside ? "event(…)" : binders_[2].inside ? "link(…)" : "any(…)";
      return FilterError(name.column, name.Describe() +
                                          " is of the whole trace and cannot stand inside " +
                                          where);
    }
    TS_TRY(Advance());
    const std::size_t operator_column = token_.column;
    if (token_.kind == Kind::kOperator) {
      condition->op = token_.op;
    } else if (IsWord(token_, "exists")) {
      condition->op = CompareOp::kExists;
    } else {
      return Expected("an operator (= != < <= > >= =~ ^= exists)");
    }
    TS_TRY(Advance());
    if (const Status allowed = ValidateOp(condition->field, condition->op); !allowed.has_value())
      return FilterError(operator_column, allowed.error().message());
    std::size_t value_column = operator_column;
    if (condition->op != CompareOp::kExists) {
      value_column = token_.column;
      if (token_.kind != Kind::kWord && token_.kind != Kind::kString) return Expected("a value");
      TS_TRY_ASSIGN(condition->value, ParseValue(condition->field, token_));
      TS_TRY(Advance());
    }
    if (const auto right = CompiledCondition::Compile(*condition); !right.has_value())
      return FilterError(value_column, right.error().message());
    return Expression::Of(std::move(*condition));
  }

  FilterLexer lexer_;
  Token token_;
  unsigned depth_ = 0;
  unsigned open_ = 0;
  unsigned conditions_ = 0;
  Binder binders_[3] = {{"any", &Expression::SomeSpan},
                        {"event", &Expression::SomeEvent},
                        {"link", &Expression::SomeLink}};
};

}  // namespace
}  // namespace predicate

Result<Expression> ParseFilter(std::string_view text) {
  TS_TRY_ASSIGN(Expression expression, predicate::FilterParser(text).Parse());
  TS_TRY(predicate::ValidateShape(expression));
  return expression;
}

}  // namespace tracestore
