#include "server/jaeger/filter_lowering.h"

#include <bit>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "model/text.h"
#include "predicate/pattern.h"

namespace tracestore::server {
namespace {

using codec::FilterTerm;
using Kind = FilterTerm::Kind;

Expression True() { return Expression::And({}); }
Expression False() { return Expression::Or({}); }

Expression Both(Expression a, Expression b) {
  std::vector<Expression> both;
  both.push_back(std::move(a));
  both.push_back(std::move(b));
  return Expression::And(std::move(both));
}

CompareOp CompareOpOf(FilterOp op) {
  switch (op) {
    case FilterOp::kGreater: return CompareOp::kGreater;
    case FilterOp::kGreaterEqual: return CompareOp::kGreaterEqual;
    case FilterOp::kLess: return CompareOp::kLess;
    case FilterOp::kLessEqual: return CompareOp::kLessEqual;
    default: return CompareOp::kEqual;
  }
}

// `a op b` is `b Turned(op) a`.
CompareOp Turned(CompareOp op) {
  switch (op) {
    case CompareOp::kGreater: return CompareOp::kLess;
    case CompareOp::kGreaterEqual: return CompareOp::kLessEqual;
    case CompareOp::kLess: return CompareOp::kGreater;
    case CompareOp::kLessEqual: return CompareOp::kGreaterEqual;
    default: return op;
  }
}

template <typename T>
bool Holds(CompareOp op, const T& left, const T& right) {
  switch (op) {
    case CompareOp::kEqual: return left == right;
    case CompareOp::kGreater: return left > right;
    case CompareOp::kGreaterEqual: return left >= right;
    case CompareOp::kLess: return left < right;
    case CompareOp::kLessEqual: return left <= right;
    default: return false;
  }
}

std::string DoubleText(double value) {
  std::string text;
  model::AppendDouble(value, text);
  return text;
}

std::optional<double> NumberOf(const FilterConstant& value) {
  switch (value.type) {
    case FilterType::kInt: return static_cast<double>(value.integer);
    case FilterType::kDouble: return value.number;
    case FilterType::kAny: return model::ParseNumber(value.text);
    default: return std::nullopt;
  }
}

// Of two constants. One that declares no type is read as the other one; two are numbers where both
// can be.
bool ConstantsHold(CompareOp op, const FilterConstant& left, const FilterConstant& right) {
  const FilterType type = left.type == FilterType::kAny ? right.type : left.type;
  if (type == FilterType::kInt && left.type == right.type)
    return Holds(op, left.integer, right.integer);
  if (type == FilterType::kBool) {
    const auto x = ReadConstant(type, left.text);
    const auto y = ReadConstant(type, right.text);
    return x.has_value() && y.has_value() && Holds(op, x->flag, y->flag);
  }
  if (type != FilterType::kString) {
    const auto x = NumberOf(left);
    const auto y = NumberOf(right);
    if (x && y) return Holds(op, *x, *y);
    if (type != FilterType::kAny) return false;
  }
  return Holds(op, left.text, right.text);
}

// Makes one reference's leaves. What holds for it: no value, no match; only a boolean not turns
// that round.
class Subject {
 public:
  Subject(const CheckedFilter& filter, std::uint32_t term)
      : raw_(filter.raw(term)), term_(filter.terms[term]) {}

  Expression Exists() const {
    if (term_.field == nullptr) return Leaf(CompareOp::kExists, "");
    switch (term_.field->type) {
      case FilterType::kKind:
      case FilterType::kStatus: return True();
      case FilterType::kTimestamp: return Leaf(CompareOp::kGreaterEqual, "0");
      case FilterType::kDuration: return Leaf(CompareOp::kGreaterEqual, LeastDuration());
      default: return Leaf(CompareOp::kNotEqual, "");
    }
  }

  // kEqual and the ordered operators.
  Expression Compare(CompareOp op, const FilterConstant& value) const {
    if (term_.field == nullptr) return CompareAttribute(op, value);
    switch (term_.field->type) {
      case FilterType::kDuration: return CompareDuration(op, value.integer);
      case FilterType::kTimestamp: return CompareTime(op, value);
      case FilterType::kKind:
      case FilterType::kStatus: return Leaf(op, value.text);
      default: return CompareText(op, value.text);
    }
  }

  Expression Matches(const std::string& pattern) const {
    if (term_.field == nullptr) return Leaf(CompareOp::kRegex, pattern);
    if (term_.field->type == FilterType::kString) return Present(CompareOp::kRegex, pattern);
    std::vector<Expression> words;
    for (const std::string_view word : WordsOf(term_.field->type)) {
      if (predicate::PatternMatches(pattern, word))
        words.push_back(Leaf(CompareOp::kEqual, std::string(word)));
    }
    return Expression::Or(std::move(words));
  }

  // kEqual and the ordered operators.
  Expression CompareWith(CompareOp op, const Subject& other) const {
    Condition condition = On(op, "");
    condition.other = other.AsReference();
    return Expression::Of(std::move(condition));
  }

 private:
  Reference AsReference() const {
    if (term_.field != nullptr) return {term_.field->field, Level::kAny, {}};
    return {Field::kAttribute, term_.level, raw_.text};
  }

  Condition On(CompareOp op, std::string value) const {
    Reference reference = AsReference();
    Condition condition;
    condition.field = reference.field;
    condition.level = reference.level;
    condition.key = std::move(reference.key);
    condition.op = op;
    condition.value = std::move(value);
    return condition;
  }
  Expression Leaf(CompareOp op, std::string value) const {
    return Expression::Of(On(op, std::move(value)));
  }
  Expression Typed(CompareOp op, std::string value, ValueType type) const {
    Condition condition = On(op, std::move(value));
    condition.type = type;
    return Expression::Of(std::move(condition));
  }

  std::string LeastDuration() const {
    if (term_.field->field != Field::kEventOffset) return "0";
    return std::to_string(std::numeric_limits<std::int64_t>::min());
  }

  // True of every value, or of none: what all values are more (less) than is compared with.
  Expression Beyond(CompareOp op, bool all_are_more) const {
    const bool more = op == CompareOp::kGreater || op == CompareOp::kGreaterEqual;
    const bool less = op == CompareOp::kLess || op == CompareOp::kLessEqual;
    return (all_are_more ? more : less) ? Exists() : False();
  }

  Expression CompareDuration(CompareOp op, std::int64_t value) const {
    if (value < 0 && term_.field->field != Field::kEventOffset) return Beyond(op, true);
    return Leaf(op, std::to_string(value));
  }

  Expression CompareTime(CompareOp op, const FilterConstant& value) const {
    if (value.beyond != 0) return Beyond(op, value.beyond < 0);
    return Leaf(op, std::to_string(value.time_ns));
  }

  // An empty text is no value, but it has an order and matches patterns. Of events and links both
  // have to hold for the same one.
  Expression Present(CompareOp op, const std::string& value) const {
    Expression both = Both(Leaf(CompareOp::kNotEqual, ""), Leaf(op, value));
    if (term_.field->level == "event" && !term_.in_event)
      return Expression::SomeEvent(std::move(both));
    if (term_.field->level == "link" && !term_.in_link)
      return Expression::SomeLink(std::move(both));
    return both;
  }

  bool IsId() const {
    switch (term_.field->field) {
      case Field::kTraceId:
      case Field::kSpanId:
      case Field::kParentId:
      case Field::kLinkTraceId:
      case Field::kLinkSpanId: return true;
      default: return false;
    }
  }

  // Whether the text is an id as it is shown; no other text equals one.
  bool IsShownId(const std::string& text) const {
    const bool trace =
        term_.field->field == Field::kTraceId || term_.field->field == Field::kLinkTraceId;
    return text.size() == (trace ? 32U : 16U) &&
           text.find_first_not_of("0123456789abcdef") == std::string::npos &&
           text.find_first_not_of('0') != std::string::npos;
  }

  Expression CompareText(CompareOp op, const std::string& value) const {
    if (op != CompareOp::kEqual) return Present(op, value);
    if (value.empty() || (IsId() && !IsShownId(value))) return False();
    return Leaf(op, value);
  }

  Expression CompareAttribute(CompareOp op, const FilterConstant& value) const {
    switch (value.type) {
      case FilterType::kString: return Typed(op, value.text, ValueType::kString);
      case FilterType::kBool: return Typed(op, value.flag ? "true" : "false", ValueType::kBool);
      case FilterType::kInt: return Typed(op, std::to_string(value.integer), ValueType::kInt);
      case FilterType::kDouble: return CompareDouble(op, value.number);
      default: break;
    }
    // As stored: numbers as numbers, texts by their bytes where the constant is no number.
    if (op == CompareOp::kEqual || model::ParseNumber(value.text)) return Leaf(op, value.text);
    return Typed(op, value.text, ValueType::kString);
  }

  Expression CompareDouble(CompareOp op, double value) const {
    if (op != CompareOp::kEqual || value != 0)
      return Typed(op, DoubleText(value), ValueType::kDouble);
    // Both zeros, which have two texts.
    std::vector<Expression> zeros;
    zeros.push_back(Typed(op, DoubleText(0.0), ValueType::kDouble));
    zeros.push_back(Typed(op, DoubleText(-0.0), ValueType::kDouble));
    return Expression::Or(std::move(zeros));
  }

  const FilterTerm& raw_;
  const CheckedTerm& term_;
};

class Lowering {
 public:
  explicit Lowering(const CheckedFilter& filter) : filter_(filter), made_(filter.terms.size()) {}

  // Arguments stand behind their call, so they are made first.
  Expression Run() {
    for (auto i = static_cast<std::uint32_t>(filter_.terms.size()); i-- > 0;) {
      if (filter_.raw(i).kind == Kind::kCall) made_[i] = Lower(i);
    }
    return std::move(made_[0]);
  }

 private:
  Expression Lower(std::uint32_t index) {
    const std::vector<std::uint32_t>& args = filter_.raw(index).args;
    switch (filter_.terms[index].op) {
      case FilterOp::kAnd: return Expression::And(Take(args));
      case FilterOp::kOr: return Expression::Or(Take(args));
      case FilterOp::kNot: return Expression::Not(std::move(made_[args[0]]));
      case FilterOp::kExists: return Of(args[0]).Exists();
      case FilterOp::kRegex: return Of(args[0]).Matches(filter_.raw(args[1]).text);
      case FilterOp::kIn: return LowerIn(args);
      case FilterOp::kNotIn: return Negated(Of(args[0]).Exists(), LowerIn(args));
      case FilterOp::kSome: {
        Expression body = std::move(made_[args[1]]);
        return filter_.terms[args[0]].level == Level::kEvent
                   ? Expression::SomeEvent(std::move(body))
                   : Expression::SomeLink(std::move(body));
      }
      default: return LowerComparison(filter_.terms[index].op, args[0], args[1]);
    }
  }

  std::vector<Expression> Take(const std::vector<std::uint32_t>& args) {
    std::vector<Expression> taken;
    for (const std::uint32_t arg : args) taken.push_back(std::move(made_[arg]));
    return taken;
  }

  Subject Of(std::uint32_t term) const { return {filter_, term}; }
  bool IsConstant(std::uint32_t term) const { return filter_.raw(term).kind == Kind::kScalar; }

  // ne and not_in: there is a value, and none that matches.
  static Expression Negated(Expression present, Expression match) {
    return Both(std::move(present), Expression::Not(std::move(match)));
  }

  Expression LowerIn(const std::vector<std::uint32_t>& args) const {
    std::vector<Expression> any;
    for (const FilterConstant& value : filter_.terms[args[1]].constants)
      any.push_back(Of(args[0]).Compare(CompareOp::kEqual, value));
    return Expression::Or(std::move(any));
  }

  Expression LowerComparison(FilterOp op, std::uint32_t left, std::uint32_t right) const {
    const bool negated = op == FilterOp::kNotEqual;
    CompareOp compare = CompareOpOf(op);
    if (IsConstant(left) && IsConstant(right)) {
      const bool holds = ConstantsHold(compare, filter_.terms[left].constants[0],
                                       filter_.terms[right].constants[0]);
      return holds != negated ? True() : False();
    }
    if (IsConstant(left)) {
      std::swap(left, right);
      compare = Turned(compare);
    }
    const Subject subject = Of(left);
    if (IsConstant(right)) {
      Expression match = subject.Compare(compare, filter_.terms[right].constants[0]);
      return negated ? Negated(subject.Exists(), std::move(match)) : match;
    }
    Expression match = subject.CompareWith(compare, Of(right));
    if (!negated) return match;
    return Negated(Both(subject.Exists(), Of(right).Exists()), std::move(match));
  }

  const CheckedFilter& filter_;
  std::vector<Expression> made_;
};

}  // namespace

Expression LowerFilter(const CheckedFilter& filter) { return Lowering(filter).Run(); }

}  // namespace tracestore::server
