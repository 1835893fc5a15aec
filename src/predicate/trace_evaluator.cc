#include "predicate/trace_evaluator.h"

#include <algorithm>

namespace tracestore::predicate {

TraceEvaluator::TraceEvaluator(const CompiledQuery& query)
    : query_(&query), leaf_bits_(query.leaf_words()) {}

void TraceEvaluator::Reset() {
  std::fill(leaf_bits_.begin(), leaf_bits_.end(), 0);
  extent_ = {};
  spans_ = 0;
  if (!query_->trace_needs().root) return;
  strings_.Clear();
  span_ids_.clear();
  candidates_.clear();
}

void TraceEvaluator::Add(BatchBinding& binding, std::uint32_t row) {
  const model::SpanRecord& span = binding.batch().spans[row];
  for (std::size_t leaf = 0; leaf < query_->leaf_count(); ++leaf) {
    if (!LeafMet(leaf) && binding.MatchesLeaf(leaf, row)) AddLeaf(leaf);
  }
  extent_.Add(span);
  ++spans_;
  if (query_->trace_needs().root) AddRootCandidate(binding, span);
}

bool TraceEvaluator::Better(const RootCandidate& a, const RootCandidate& b) const {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.service != b.service) return strings_.Get(a.service) < strings_.Get(b.service);
  return strings_.Get(a.operation) < strings_.Get(b.operation);
}

void TraceEvaluator::AddRootCandidate(BatchBinding& binding, const model::SpanRecord& span) {
  const bool have_parentless =
      candidates_.size() == 1 && candidates_[0].rank.parent == model::RootRank::kNoParent;
  if (have_parentless && !span.parent_id.empty()) return;
  RootCandidate candidate;
  candidate.rank = model::RootRank::Of(span, false);
  candidate.parent_id = span.parent_id;
  candidate.service = strings_.Intern(binding.Service(span.resource));
  candidate.operation = strings_.Intern(binding.batch().text(span.name));
  if (!span.parent_id.empty()) {
    span_ids_.push_back(span.span_id);
    candidates_.push_back(candidate);
  } else if (!have_parentless) {
    span_ids_.clear();
    candidates_.assign(1, candidate);
  } else if (Better(candidate, candidates_[0])) {
    candidates_[0] = candidate;
  }
}

TraceEvaluator::RootCandidate TraceEvaluator::FindRoot() const {
  RootCandidate best{};
  bool found = false;
  std::vector<SpanId> ids = span_ids_;
  std::sort(ids.begin(), ids.end());
  for (RootCandidate candidate : candidates_) {
    if (candidate.rank.parent != model::RootRank::kNoParent &&
        std::binary_search(ids.begin(), ids.end(), candidate.parent_id)) {
      candidate.rank.parent = model::RootRank::kParentHere;
    }
    if (!found || Better(candidate, best)) best = candidate;
    found = true;
  }
  return best;
}

bool TraceEvaluator::Matches() const {
  TraceFacts facts;
  facts.has_start = extent_.has_start;
  facts.start_ns = extent_.start_ns;
  facts.end_ns = extent_.end_ns;
  facts.spans = spans_;
  if (query_->trace_needs().root) {
    const RootCandidate root = FindRoot();
    facts.root_service = strings_.Get(root.service);
    facts.root_operation = strings_.Get(root.operation);
  }
  return query_->MatchesTrace(leaf_bits_, facts);
}

std::uint64_t TraceEvaluator::order_key() const noexcept {
  return query_->order() == Order::kNewest ? extent_.start_ns : extent_.duration_ns();
}

}  // namespace tracestore::predicate
