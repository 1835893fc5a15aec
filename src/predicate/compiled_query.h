// CompiledQuery: a Query checked and taken apart into
//   leaves   expressions on one span ("some span is like this"), and
//   a trace expression over which leaves are met and over the trace's times, size and root.
// What search, filters, delete and tail sampling share. A reader finds candidate spans by a leaf's
// hints, evaluates leaves on rows (BatchBinding), and decides traces (TraceEvaluator).
//
// Rules that the query's text doesn't say (docs/filter-language.md says them to users):
// - A span counts for a leaf only if it started in Query::span_start; firehose spans never do.
// - Every matching trace satisfies at least one leaf: where the expression itself requires none
//   (it is empty, a negation, or on trace fields only), the leaf "a span in span_start" is AND-ed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/query.h>

#include "model/span_batch.h"
#include "predicate/condition.h"
#include "predicate/hints.h"
#include "predicate/needs.h"
#include "predicate/outline.h"

namespace tracestore::predicate {

// Of the whole trace, beside which leaves are met.
struct TraceNeeds {
  bool start = false;     // earliest start, from every span
  bool duration = false;  // earliest start and latest end
  bool spans = false;     // the number of distinct spans
  bool root = false;      // the root's service and operation: span ids and parents of every span
};

// What is known of a whole trace; `duplicates` counted once.
struct TraceFacts {
  bool has_start = false;
  std::uint64_t start_ns = 0;  // earliest
  std::uint64_t end_ns = 0;    // latest
  std::uint64_t spans = 0;
  std::string_view root_service;
  std::string_view root_operation;
};

// The same, perhaps not all of it known.
struct PartialFacts {
  TraceFacts known;
  bool has_spans = false;  // `spans` is known
  bool has_root = false;   // the root's service and operation are
};

// A boolean expression as jumps: run from `entry`, test a step's operand, go where it says.
// Short-circuits; nothing recursive. A step's targets stand before it.
struct Program {
  static constexpr std::uint32_t kAccept = 0xFFFFFFFF;
  static constexpr std::uint32_t kReject = 0xFFFFFFFE;
  struct Step {
    std::uint32_t operand;
    std::uint32_t on_true;   // a step, kAccept or kReject
    std::uint32_t on_false;
  };
  std::vector<Step> steps;
  std::uint32_t entry = kAccept;

  template <typename Test>
  bool Run(Test&& test) const {
    std::uint32_t at = entry;
    while (at < kReject) {
      const Step& step = steps[at];
      at = test(step.operand) ? step.on_true : step.on_false;
    }
    return at == kAccept;
  }
};

// Immutable after Compile; any number of threads may use one. Copies share the regular expressions.
class CompiledQuery {
 public:
  // Errors: kInvalidArgument, a sentence that says what is wrong with the query.
  static Result<CompiledQuery> Compile(const Query& query);

  // At least 1.
  std::size_t leaf_count() const noexcept { return leaves_.size(); }
  // Leaves that every matching trace satisfies, ascending; never empty. To find candidates, take
  // the one with the most selective hints.
  const std::vector<std::uint32_t>& required_leaves() const noexcept { return required_; }

  const LeafOutline& outline(std::size_t leaf) const { return leaves_[leaf].outline; }
  const LeafHints& hints(std::size_t leaf) const { return leaves_[leaf].hints; }
  const Needs& needs(std::size_t leaf) const { return leaves_[leaf].needs; }
  // Of all leaves together, without what trace_needs() takes.
  const Needs& needs() const noexcept { return needs_; }
  const TraceNeeds& trace_needs() const noexcept { return trace_needs_; }

  // A span that matches the leaf starts within. Where bounds are not all(), a span without a start
  // (duration) doesn't match.
  const Bounds& StartBounds(std::size_t leaf) const { return leaves_[leaf].start; }
  const Bounds& DurationBounds(std::size_t leaf) const { return leaves_[leaf].duration; }
  // A matching trace's earliest start, and its duration, lie within.
  const Bounds& TraceStartBounds() const noexcept { return trace_start_bounds_; }
  const Bounds& TraceDurationBounds() const noexcept { return trace_duration_bounds_; }

  // False: a trace matches if and only if some part of its spans matches by itself, so that a
  // reader of many parts may decide at each part alone. That is so where the trace expression is
  // exactly one leaf (an OR of conditions on spans is made one leaf). True for an AND of two leaves
  // ("anywhere in the trace"), a negation of a leaf, trace fields, or a trace_start range. (The
  // order key needs the whole trace in any case.)
  bool NeedsWholeTrace() const noexcept { return needs_whole_trace_; }
  // True: more spans never turn a match into none, so that a match on a part is final. No negation
  // of a leaf, no trace field, no trace_start range.
  bool monotone() const noexcept { return monotone_; }

  Order order() const noexcept { return order_; }
  // Of all that decides which traces are found and in which order; not of limit, cursor, count,
  // deadline. Stable across processes of one version.
  std::uint64_t hash() const noexcept { return hash_; }

  // Whether a trace matches, given which leaves its spans meet (bit n of word n / 64 is leaf n)
  // and, where trace_needs() asks, the facts.
  bool MatchesTrace(std::span<const std::uint64_t> leaf_bits, const TraceFacts& facts) const;
  // The same where it isn't known of each leaf whether it is met.
  Verdict JudgeTrace(std::span<const Verdict> leaves, const PartialFacts& facts) const;
  std::size_t leaf_words() const noexcept { return (leaves_.size() + 63) / 64; }

 private:
  friend class BatchBinding;
  friend class QueryLowering;

  struct Leaf {
    Expression expression;
    Program program;  // an operand is an index of conditions_, or kGroup + one of groups_
    LeafHints hints;
    LeafOutline outline;
    Needs needs;
    Bounds start;
    Bounds duration;
  };
  // Of a kSomeEvent or kSomeLink.
  struct Group {
    bool of_events = true;
    Program program;  // operands as those of a leaf's
  };
  static constexpr std::uint32_t kGroup = std::uint32_t{1} << 31;
  struct Term {
    enum class Kind : std::uint8_t { kLeaf, kCondition, kTraceStart };
    Kind kind;
    std::uint32_t index;  // of a leaf or a condition
  };

  Verdict JudgeTerm(const Term& term, std::span<const Verdict> leaves,
                    const PartialFacts& facts) const;
  bool TestCondition(const Term& term, const TraceFacts& facts) const;
  bool TestTerm(const Term& term, std::span<const std::uint64_t> leaf_bits,
                const TraceFacts& facts) const;

  std::vector<CompiledCondition> conditions_;
  std::vector<Group> groups_;
  std::vector<Leaf> leaves_;
  std::vector<Term> terms_;
  Program trace_program_;  // operands index terms_
  std::vector<std::uint32_t> required_;
  Needs needs_;
  TraceNeeds trace_needs_;
  TimeRange span_start_;
  TimeRange trace_start_;
  Bounds trace_start_bounds_;
  Bounds trace_duration_bounds_;
  std::uint64_t hash_ = 0;
  Order order_ = Order::kNewest;
  bool needs_whole_trace_ = true;
  bool monotone_ = false;
};

}  // namespace tracestore::predicate
