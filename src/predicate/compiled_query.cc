#include "predicate/compiled_query.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "predicate/validate.h"

namespace tracestore::predicate {
namespace {

using Kind = Expression::Kind;

constexpr std::uint64_t kMostNs = ~std::uint64_t{0};

Bounds BoundsOf(const TimeRange& range) noexcept {
  Bounds bounds;
  bounds.Narrow(CompareOp::kGreaterEqual, range.begin_ns);
  if (range.end_ns != kMostNs) bounds.Narrow(CompareOp::kLess, range.end_ns);
  return bounds;
}

Bounds Intersect(const Bounds& a, const Bounds& b) noexcept {
  return {std::max(a.least, b.least), std::min(a.most, b.most)};
}

// Bytes that are equal for equal expressions only. At most kMaxExpressionDepth deep.
void Serialize(const Expression& expression, base::ByteWriter& out) {
  out.U8(static_cast<std::uint8_t>(expression.kind));
  if (expression.kind == Kind::kCondition) {
    const Condition& c = expression.condition;
    out.U8(static_cast<std::uint8_t>(c.field));
    out.U8(static_cast<std::uint8_t>(c.level));
    out.U8(static_cast<std::uint8_t>(c.op));
    out.U8(static_cast<std::uint8_t>(c.type));
    out.Bytes(c.key);
    out.Bytes(c.value);
    out.U8(c.other.has_value());
    if (!c.other) return;
    out.U8(static_cast<std::uint8_t>(c.other->field));
    out.U8(static_cast<std::uint8_t>(c.other->level));
    out.Bytes(c.other->key);
    return;
  }
  out.Varint(expression.children.size());
  for (const Expression& child : expression.children) Serialize(child, out);
}

std::uint64_t HashOf(const Query& query) {
  std::string bytes;
  base::ByteWriter out(bytes);
  out.U64(query.span_start.begin_ns);
  out.U64(query.span_start.end_ns);
  out.U64(query.trace_start.begin_ns);
  out.U64(query.trace_start.end_ns);
  out.U8(static_cast<std::uint8_t>(query.order));
  Serialize(query.where, out);
  return base::Hash64(bytes);
}

Status CheckRange(const TimeRange& range, const char* name) {
  if (range.begin_ns <= range.end_ns) return {};
  return Error(ErrorCode::kInvalidArgument,
               std::string(name) + " ends before it begins");
}

}  // namespace

// Turns a validated expression into leaves, terms and programs. A program is made from its end: an
// expression is told where to go when it is true and when it is false, and gives its own entry.
// Recursion is at most kMaxExpressionDepth deep.
class QueryLowering {
 public:
  explicit QueryLowering(CompiledQuery& query) : query_(query) {}

  Status Lower(const Query& query) {
    Program& program = query_.trace_program_;
    query_.monotone_ = true;
    TS_TRY_ASSIGN(program.entry,
                  LowerTrace(query.where, Program::kAccept, Program::kReject, true));
    if (query_.required_.empty()) {
      TS_TRY_ASSIGN(const std::uint32_t leaf, AddLeaf(Expression{}));
      query_.required_.push_back(leaf);
      program.entry = AddTerm({CompiledQuery::Term::Kind::kLeaf, leaf}, program.entry,
                              Program::kReject);
    }
    if (!query.trace_start.all()) {
      query_.monotone_ = false;
      query_.trace_needs_.start = true;
      program.entry = AddTerm({CompiledQuery::Term::Kind::kTraceStart, 0}, program.entry,
                              Program::kReject);
    }
    std::sort(query_.required_.begin(), query_.required_.end());
    const Program::Step* only = program.steps.size() == 1 ? &program.steps[0] : nullptr;
    query_.needs_whole_trace_ =
        !(only != nullptr && query_.terms_[0].kind == CompiledQuery::Term::Kind::kLeaf &&
          program.entry == 0 && only->on_true == Program::kAccept);
    return {};
  }

 private:
  using Term = CompiledQuery::Term;

  std::uint32_t AddStep(Program& program, std::uint32_t operand, std::uint32_t on_true,
                        std::uint32_t on_false) {
    program.steps.push_back({operand, on_true, on_false});
    return static_cast<std::uint32_t>(program.steps.size() - 1);
  }

  std::uint32_t AddTerm(Term term, std::uint32_t on_true, std::uint32_t on_false) {
    query_.terms_.push_back(term);
    return AddStep(query_.trace_program_, static_cast<std::uint32_t>(query_.terms_.size() - 1),
                   on_true, on_false);
  }

  Result<std::uint32_t> AddCondition(const Condition& condition) {
    TS_TRY_ASSIGN(auto compiled, CompiledCondition::Compile(condition));
    query_.conditions_.push_back(std::move(compiled));
    return static_cast<std::uint32_t>(query_.conditions_.size() - 1);
  }

  // Whether the expression is true of a trace if and only if one span is like it: then an OR of
  // such is one leaf.
  static bool IsOfOneSpan(const Expression& e) {
    switch (e.kind) {
      case Kind::kCondition: return !IsTraceField(e.condition.field);
      case Kind::kSomeSpan:
      case Kind::kSomeEvent:
      case Kind::kSomeLink: return true;
      case Kind::kOr:
        return !e.children.empty() &&
               std::all_of(e.children.begin(), e.children.end(), IsOfOneSpan);
      case Kind::kAnd: return e.children.size() == 1 && IsOfOneSpan(e.children[0]);
      case Kind::kNot: break;
    }
    return false;
  }

  // The same without its kSomeSpans.
  static Expression AsLeaf(const Expression& e) {
    if (e.kind == Kind::kCondition || e.kind == Kind::kSomeEvent || e.kind == Kind::kSomeLink)
      return e;
    if (e.kind == Kind::kSomeSpan) return e.children[0];
    if (e.kind == Kind::kAnd) return AsLeaf(e.children[0]);
    Expression any;
    any.kind = Kind::kOr;
    for (const Expression& child : e.children) any.children.push_back(AsLeaf(child));
    return any;
  }

  Result<std::uint32_t> LowerTrace(const Expression& e, std::uint32_t on_true,
                                   std::uint32_t on_false, bool required) {
    if (IsOfOneSpan(e)) {
      TS_TRY_ASSIGN(const std::uint32_t leaf, AddLeaf(AsLeaf(e)));
      if (required) query_.required_.push_back(leaf);
      return AddTerm({Term::Kind::kLeaf, leaf}, on_true, on_false);
    }
    switch (e.kind) {
      case Kind::kCondition: return LowerTraceCondition(e.condition, on_true, on_false);
      case Kind::kNot:
        query_.monotone_ = false;
        return LowerTrace(e.children[0], on_false, on_true, false);
      case Kind::kOr: return LowerTraceOr(e, on_true, on_false);
      default: break;
    }
    std::uint32_t entry = on_true;
    for (auto child = e.children.rbegin(); child != e.children.rend(); ++child) {
      TS_TRY_ASSIGN(entry, LowerTrace(*child, entry, on_false, required));
    }
    return entry;
  }

  Result<std::uint32_t> LowerTraceOr(const Expression& e, std::uint32_t on_true,
                                     std::uint32_t on_false) {
    std::uint32_t entry = on_false;
    Expression any;
    any.kind = Kind::kOr;
    for (auto child = e.children.rbegin(); child != e.children.rend(); ++child) {
      if (IsOfOneSpan(*child)) {
        any.children.push_back(AsLeaf(*child));
      } else {
        TS_TRY_ASSIGN(entry, LowerTrace(*child, on_true, entry, false));
      }
    }
    if (any.children.empty()) return entry;
    TS_TRY_ASSIGN(const std::uint32_t leaf, AddLeaf(std::move(any)));
    return AddTerm({Term::Kind::kLeaf, leaf}, on_true, entry);
  }

  Result<std::uint32_t> LowerTraceCondition(const Condition& condition, std::uint32_t on_true,
                                            std::uint32_t on_false) {
    query_.monotone_ = false;
    TraceNeeds& needs = query_.trace_needs_;
    switch (condition.field) {
      case Field::kTraceDuration: needs.duration = true; break;
      case Field::kTraceStart: needs.start = true; break;
      case Field::kTraceSpans: needs.spans = true; break;
      default: needs.root = true; break;
    }
    TS_TRY_ASSIGN(const std::uint32_t index, AddCondition(condition));
    return AddTerm({Term::Kind::kCondition, index}, on_true, on_false);
  }

  Result<std::uint32_t> AddLeaf(Expression expression) {
    CompiledQuery::Leaf leaf;
    leaf.expression = std::move(expression);
    TS_TRY_ASSIGN(leaf.program.entry,
                  LowerSpan(leaf.expression, Program::kAccept, Program::kReject, leaf.program,
                            leaf.needs));
    leaf.hints = HintsOf(leaf.expression);
    leaf.outline = OutlineOf(leaf.expression);
    leaf.start = Intersect(predicate::BoundsOf(leaf.expression, Field::kStart),
                           BoundsOf(query_.span_start_));
    leaf.duration = predicate::BoundsOf(leaf.expression, Field::kDuration);
    query_.needs_.Add(leaf.needs);
    query_.leaves_.push_back(std::move(leaf));
    return static_cast<std::uint32_t>(query_.leaves_.size() - 1);
  }

  Result<std::uint32_t> LowerSpan(const Expression& e, std::uint32_t on_true,
                                  std::uint32_t on_false, Program& program, Needs& needs) {
    switch (e.kind) {
      case Kind::kCondition: {
        needs.Add(NeedsOf(e.condition));
        TS_TRY_ASSIGN(const std::uint32_t index, AddCondition(e.condition));
        return AddStep(program, index, on_true, on_false);
      }
      case Kind::kNot: return LowerSpan(e.children[0], on_false, on_true, program, needs);
      case Kind::kAnd:
      case Kind::kOr: {
        const bool all = e.kind == Kind::kAnd;
        std::uint32_t entry = all ? on_true : on_false;
        for (auto child = e.children.rbegin(); child != e.children.rend(); ++child) {
          TS_TRY_ASSIGN(entry, LowerSpan(*child, all ? entry : on_true, all ? on_false : entry,
                                         program, needs));
        }
        return entry;
      }
      case Kind::kSomeEvent:
      case Kind::kSomeLink: {
        TS_TRY_ASSIGN(const std::uint32_t group, AddGroup(e, needs));
        return AddStep(program, CompiledQuery::kGroup + group, on_true, on_false);
      }
      case Kind::kSomeSpan: break;  // ValidateShape refuses it here
    }
    return on_false;
  }

  Result<std::uint32_t> AddGroup(const Expression& e, Needs& needs) {
    CompiledQuery::Group group;
    group.of_events = e.kind == Kind::kSomeEvent;
    (group.of_events ? needs.events : needs.links) = true;
    TS_TRY_ASSIGN(group.program.entry, LowerSpan(e.children[0], Program::kAccept, Program::kReject,
                                                 group.program, needs));
    query_.groups_.push_back(std::move(group));
    return static_cast<std::uint32_t>(query_.groups_.size() - 1);
  }

  CompiledQuery& query_;
};

Result<CompiledQuery> CompiledQuery::Compile(const Query& query) {
  TS_TRY(ValidateShape(query.where));
  TS_TRY(CheckRange(query.span_start, "the range of span starts"));
  TS_TRY(CheckRange(query.trace_start, "the range of trace starts"));
  CompiledQuery compiled;
  compiled.span_start_ = query.span_start;
  compiled.trace_start_ = query.trace_start;
  compiled.order_ = query.order;
  compiled.hash_ = HashOf(query);
  TS_TRY(QueryLowering(compiled).Lower(query));
  compiled.trace_start_bounds_ =
      Intersect(predicate::BoundsOf(query.where, Field::kTraceStart), BoundsOf(query.trace_start));
  compiled.trace_duration_bounds_ = predicate::BoundsOf(query.where, Field::kTraceDuration);
  return compiled;
}

bool CompiledQuery::TestCondition(const Term& term, const TraceFacts& facts) const {
  if (term.kind == Term::Kind::kTraceStart)
    return facts.has_start && trace_start_.Contains(facts.start_ns);
  const CompiledCondition& condition = conditions_[term.index];
  switch (condition.source.field) {
    case Field::kTraceDuration:
      return facts.has_start && condition.TestInteger(facts.end_ns - facts.start_ns);
    case Field::kTraceStart: return facts.has_start && condition.TestInteger(facts.start_ns);
    case Field::kTraceSpans: return condition.TestInteger(facts.spans);
    case Field::kRootService: return condition.TestText(facts.root_service);
    case Field::kRootOperation: return condition.TestText(facts.root_operation);
    default: return false;
  }
}

bool CompiledQuery::TestTerm(const Term& term, std::span<const std::uint64_t> leaf_bits,
                             const TraceFacts& facts) const {
  if (term.kind == Term::Kind::kLeaf)
    return (leaf_bits[term.index / 64] >> (term.index % 64) & 1) != 0;
  return TestCondition(term, facts);
}

Verdict CompiledQuery::JudgeTerm(const Term& term, std::span<const Verdict> leaves,
                                 const PartialFacts& facts) const {
  if (term.kind == Term::Kind::kLeaf) return leaves[term.index];
  if (term.kind == Term::Kind::kCondition) {
    const Field field = conditions_[term.index].source.field;
    if (field == Field::kTraceSpans && !facts.has_spans) return Verdict::kMaybe;
    if ((field == Field::kRootService || field == Field::kRootOperation) && !facts.has_root)
      return Verdict::kMaybe;
  }
  return TestCondition(term, facts.known) ? Verdict::kYes : Verdict::kNo;
}

Verdict CompiledQuery::JudgeTrace(std::span<const Verdict> leaves,
                                  const PartialFacts& facts) const {
  thread_local std::vector<Verdict> from;  // by step: what running on from there gives
  from.clear();
  const auto at = [&](std::uint32_t target) {
    if (target == Program::kAccept) return Verdict::kYes;
    return target == Program::kReject ? Verdict::kNo : from[target];
  };
  for (const Program::Step& step : trace_program_.steps) {
    const Verdict verdict = JudgeTerm(terms_[step.operand], leaves, facts);
    const Verdict yes = at(step.on_true);
    const Verdict no = at(step.on_false);
    if (verdict == Verdict::kMaybe) {
      from.push_back(yes == no ? yes : Verdict::kMaybe);
    } else {
      from.push_back(verdict == Verdict::kYes ? yes : no);
    }
  }
  return at(trace_program_.entry);
}

bool CompiledQuery::MatchesTrace(std::span<const std::uint64_t> leaf_bits,
                                 const TraceFacts& facts) const {
  return trace_program_.Run(
      [&](std::uint32_t operand) { return TestTerm(terms_[operand], leaf_bits, facts); });
}

}  // namespace tracestore::predicate
