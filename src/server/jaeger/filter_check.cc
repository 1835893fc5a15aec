#include "server/jaeger/filter_check.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "predicate/pattern.h"
#include "server/jaeger/go_values.h"

namespace tracestore::server {
namespace {

using codec::FilterTerm;
using Kind = FilterTerm::Kind;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

bool IsReference(const FilterTerm& term) {
  return term.kind == Kind::kAttribute || term.kind == Kind::kField;
}

std::string NameOf(const FilterTerm& field) { return field.level + "." + field.text; }

const char* TypeWord(FilterType type) {
  switch (type) {
    case FilterType::kInt: return "int";
    case FilterType::kDouble: return "double";
    case FilterType::kBool: return "bool";
    case FilterType::kDuration: return "duration";
    case FilterType::kTimestamp: return "timestamp";
    case FilterType::kKind: return "kind";
    case FilterType::kStatus: return "status";
    default: return "string";
  }
}

// Checks calls one by one, each before its arguments.
class Validator {
 public:
  explicit Validator(CheckedFilter& filter) : filter_(filter) {}

  // A call comes before its arguments, so that what they stand in is known when they are met.
  Status Run() {
    for (std::uint32_t i = 0; i < filter_.terms.size(); ++i) {
      if (Raw(i).kind == Kind::kCall) TS_TRY(CheckCall(i));
    }
    return {};
  }

 private:
  const FilterTerm& Raw(std::uint32_t term) const { return filter_.tree.terms[term]; }
  CheckedTerm& Term(std::uint32_t term) { return filter_.terms[term]; }

  Error Of(const FilterTerm& call, const std::string& message) const {
    return Invalid("operator " + GoQuote(call.text) + " " + message);
  }

  // How a message calls it.
  std::string Describe(std::uint32_t term) const {
    switch (Raw(term).kind) {
      case Kind::kAttribute: return "an attribute reference";
      case Kind::kField: return "a field reference";
      case Kind::kNested: return "a collection reference";
      case Kind::kList: return "a list";
      case Kind::kCall: return "a predicate";
      case Kind::kEmpty: return "an empty term";
      case Kind::kScalar: break;
    }
    switch (filter_.terms[term].constants[0].type) {
      case FilterType::kAny: return "an untyped constant";
      case FilterType::kInt: return "an integer constant";
      case FilterType::kDouble: return "a floating-point constant";
      case FilterType::kBool: return "a boolean constant";
      case FilterType::kDuration: return "a duration constant";
      case FilterType::kTimestamp: return "a timestamp constant";
      default: return "a string constant";
    }
  }

  Status CheckCall(std::uint32_t index) {
    const FilterTerm& call = Raw(index);
    const auto op = FilterOpOf(call.text);
    if (!op) return Invalid("unknown filter operator " + GoQuote(call.text));
    Term(index).op = *op;
    TS_TRY(CheckCount(call, *op));
    for (std::size_t i = 0; i < call.args.size(); ++i) {
      CheckedTerm& arg = Term(call.args[i]);
      arg.in_event = Term(index).in_event;
      arg.in_link = Term(index).in_link;
      if (Raw(call.args[i]).kind == Kind::kNested && (*op != FilterOp::kSome || i != 0))
        return Invalid("a collection reference is only the first argument of \"some\"");
    }
    switch (*op) {
      case FilterOp::kAnd:
      case FilterOp::kOr:
      case FilterOp::kNot: return CheckPredicates(call);
      case FilterOp::kExists: return CheckSubject(call);
      case FilterOp::kRegex: return CheckRegex(call);
      case FilterOp::kIn:
      case FilterOp::kNotIn: return CheckMembership(call);
      case FilterOp::kSome: return CheckSome(index);
      default: return CheckComparison(call, *op);
    }
  }

  Status CheckCount(const FilterTerm& call, FilterOp op) const {
    const std::size_t count = call.args.size();
    if (op == FilterOp::kAnd || op == FilterOp::kOr) {
      if (count >= 2) return {};
      return Of(call, "takes at least two arguments, got " + std::to_string(count));
    }
    const std::size_t wanted = op == FilterOp::kNot || op == FilterOp::kExists ? 1 : 2;
    if (count == wanted) return {};
    return Of(call,
              "takes " + std::to_string(wanted) + " argument(s), got " + std::to_string(count));
  }

  Status CheckPredicates(const FilterTerm& call) const {
    for (const std::uint32_t arg : call.args) {
      if (Raw(arg).kind != Kind::kCall)
        return Of(call, "takes predicates as arguments, got " + Describe(arg));
    }
    return {};
  }

  Status CheckReference(std::uint32_t index) {
    const FilterTerm& term = Raw(index);
    const auto level = FilterLevelOf(term.level);
    if (!level) return Invalid("unknown filter level " + GoQuote(term.level));
    Term(index).level = *level;
    if (term.kind == Kind::kAttribute) {
      if (term.text.empty()) return Invalid("attribute reference has no key");
      return {};
    }
    if (term.level.empty())
      return Invalid("field reference has no level, and a built-in field belongs to one");
    if (term.text.empty()) return Invalid("field reference has no name");
    Term(index).field = FindFilterField(term.level, term.text);
    if (Term(index).field != nullptr) return {};
    return Invalid("unknown built-in field " + GoQuote(term.text) + " at the " +
                   GoQuote(term.level) +
                   " level; name an attribute to match a tag of that name instead");
  }

  // The first argument of exists, regex, in and not_in.
  Status CheckSubject(const FilterTerm& call) {
    const std::uint32_t subject = call.args[0];
    if (!IsReference(Raw(subject))) return Of(call, "takes a reference, got " + Describe(subject));
    return CheckReference(subject);
  }

  // FilterType::kAny of an attribute.
  FilterType TypeOf(std::uint32_t operand) const {
    const CheckedTerm& term = filter_.terms[operand];
    if (term.field != nullptr) return term.field->type;
    return term.constants.empty() ? FilterType::kAny : term.constants[0].type;
  }

  Status CheckComparison(const FilterTerm& call, FilterOp op) {
    for (const std::uint32_t arg : call.args) {
      if (!IsReference(Raw(arg)) && Raw(arg).kind != Kind::kScalar)
        return Of(call, "compares a reference or a constant, got " + Describe(arg));
      if (IsReference(Raw(arg))) TS_TRY(CheckReference(arg));
    }
    TS_TRY(ResolveBeside(call.args[0], call.args[1]));
    TS_TRY(ResolveBeside(call.args[1], call.args[0]));
    const FilterDomain left = DomainOf(TypeOf(call.args[0]));
    const FilterDomain right = DomainOf(TypeOf(call.args[1]));
    if (left != right && left != FilterDomain::kUnknown && right != FilterDomain::kUnknown) {
      return Of(call, "compares " + NameOrKind(call.args[0]) + " against " +
                          NameOrKind(call.args[1]) + ", which hold different kinds of value");
    }
    return IsOrdered(op) ? CheckOrder(call) : Status();
  }

  std::string NameOrKind(std::uint32_t operand) const {
    return Raw(operand).kind == Kind::kField ? NameOf(Raw(operand)) : Describe(operand);
  }

  Status CheckOrder(const FilterTerm& call) const {
    for (const std::uint32_t arg : call.args) {
      const FilterType type = TypeOf(arg);
      if (type == FilterType::kKind || type == FilterType::kStatus || type == FilterType::kBool)
        return Of(call, "has no ordering for " + NameOrKind(arg));
    }
    return {};
  }

  // Gives a constant that declares no type, or is a string, that of the field beside it.
  Status ResolveBeside(std::uint32_t constant, std::uint32_t other) {
    if (Raw(constant).kind != Kind::kScalar || Raw(other).kind != Kind::kField) return {};
    return ResolveValue(Raw(other), Term(other).field->type, Term(constant).constants[0]);
  }

  Status ResolveValue(const FilterTerm& field, FilterType type, FilterConstant& value) const {
    if (value.type != FilterType::kAny && DomainOf(value.type) != DomainOf(type)) return {};
    const auto against = [&](const std::string& why) {
      return Invalid("cannot compare " + NameOf(field) + " against " + GoQuote(value.text) + ": " +
                     why);
    };
    if (type == FilterType::kKind || type == FilterType::kStatus) {
      const auto words = WordsOf(type);
      if (std::find(words.begin(), words.end(), value.text) == words.end())
        return against("not one of " + JoinedWordsOf(type));
      value.type = FilterType::kString;
      return {};
    }
    auto read = ReadConstant(type, value.text);
    if (!read.has_value()) return against(read.error().message());
    value = std::move(read).value();
    return {};
  }

  Status CheckMembership(const FilterTerm& call) {
    TS_TRY(CheckSubject(call));
    const std::uint32_t subject = call.args[0];
    const FilterTerm& list = Raw(call.args[1]);
    if (list.kind != Kind::kList)
      return Of(call, "takes a list as its second argument, got " + Describe(call.args[1]));
    if (list.values.empty()) return Of(call, "takes a list with at least one element");
    const auto type = FilterTypeOf(list.type);
    if (!type) return Invalid("unknown filter value type " + GoQuote(list.type));
    const FilterField* field = Term(subject).field;
    if (field == nullptr && *type == FilterType::kAny) {
      return Of(call,
                "takes a list that declares its element type when it is compared against an "
                "attribute");
    }
    if (field != nullptr && *type != FilterType::kAny && DomainOf(*type) != DomainOf(field->type)) {
      return Invalid("cannot compare " + NameOf(Raw(subject)) + " against a list of " + list.type +
                     ": the field holds " + TypeWord(field->type));
    }
    std::vector<FilterConstant>& constants = Term(call.args[1]).constants;
    constants.reserve(list.values.size());
    for (const std::string& text : list.values) {
      auto value = ReadConstant(*type, text);
      if (!value.has_value()) {
        return Invalid("element " + GoQuote(text) + " of a list of " + list.type + ": " +
                       value.error().message());
      }
      constants.push_back(std::move(value).value());
      if (field != nullptr) TS_TRY(ResolveValue(Raw(subject), field->type, constants.back()));
    }
    return {};
  }

  Status CheckRegex(const FilterTerm& call) {
    TS_TRY(CheckSubject(call));
    const FilterField* field = Term(call.args[0]).field;
    if (field != nullptr && DomainOf(field->type) != FilterDomain::kText) {
      return Of(call, "matches text, and " + NameOf(Raw(call.args[0])) + " holds a " +
                          TypeWord(field->type));
    }
    const std::uint32_t pattern = call.args[1];
    const FilterType type = TypeOf(pattern);
    if (Raw(pattern).kind != Kind::kScalar ||
        (type != FilterType::kAny && type != FilterType::kString)) {
      return Of(call, "takes a constant string as its pattern, got " + Describe(pattern));
    }
    const std::string& text = Raw(pattern).text;
    if (const auto problem = predicate::PatternProblem(text))
      return Of(call, "takes a pattern in RE2 syntax: " + *problem);
    const predicate::PatternTraits traits = predicate::TraitsOf(text);
    if (traits.anchor)
      return Of(call, "matches anywhere in the value, so a pattern cannot anchor itself");
    if (traits.word_boundary) return Of(call, "takes a pattern without word boundaries");
    if (traits.lazy)
      return Of(call, "asks whether the value matches, so a quantifier cannot be lazy");
    if (traits.folds_case)
      return Of(call, "matches case-sensitively, so a pattern cannot fold case");
    return {};
  }

  Status CheckSome(std::uint32_t index) {
    const FilterTerm& call = Raw(index);
    const std::uint32_t collection = call.args[0];
    const std::uint32_t body = call.args[1];
    if (Raw(collection).kind != Kind::kNested) {
      return Of(call,
                "takes a collection reference as its first argument, got " + Describe(collection));
    }
    const std::string& word = Raw(collection).level;
    const auto level = FilterLevelOf(word);
    if (!level) return Invalid("unknown filter level " + GoQuote(word));
    if (*level != Level::kEvent && *level != Level::kLink)
      return Of(call, "quantifies over \"event\" or \"link\", got level " + GoQuote(word));
    Term(collection).level = *level;
    if (Raw(body).kind != Kind::kCall)
      return Of(call, "takes a predicate as its second argument, got " + Describe(body));
    bool& bound = *level == Level::kEvent ? Term(body).in_event : Term(body).in_link;
    if (bound) {
      return Of(call, "is already quantifying over " + GoQuote(word) +
                          ", and this version does not define what a nested one would bind");
    }
    bound = true;
    return {};
  }

  CheckedFilter& filter_;
};

}  // namespace

Result<CheckedFilter> ReadFilter(codec::FilterTree tree) {
  CheckedFilter filter;
  filter.tree = std::move(tree);
  filter.terms.resize(filter.tree.terms.size());
  std::vector<unsigned> depths(filter.terms.size(), 1);  // of calls around a term, itself included
  for (std::uint32_t i = 0; i < filter.terms.size(); ++i) {
    const FilterTerm& term = filter.raw(i);
    if (term.kind == Kind::kEmpty) {
      return Invalid(
          "filter argument is empty: exactly one of attr, field, nested, scalar, list or call must "
          "be set");
    }
    if (term.kind == Kind::kScalar) {
      const auto type = FilterTypeOf(term.type);
      if (!type) {
        return Invalid("filter constant " + GoQuote(term.text) + " declares the unknown type " +
                       GoQuote(term.type));
      }
      auto constant = ReadConstant(*type, term.text);
      if (!constant.has_value()) {
        return Invalid("filter constant " + GoQuote(term.text) + " is not the " +
                       GoQuote(term.type) + " it declares");
      }
      filter.terms[i].constants.push_back(std::move(constant).value());
    }
    if (term.kind != Kind::kCall) continue;
    if (depths[i] > kMaxFilterDepth)
      return Invalid("filter nests calls more than " + std::to_string(kMaxFilterDepth) + " deep");
    for (const std::uint32_t arg : term.args) depths[arg] = depths[i] + 1;
  }
  return filter;
}

Status ValidateFilter(CheckedFilter& filter) { return Validator(filter).Run(); }

}  // namespace tracestore::server
