// TraceEvaluator: decides one trace after another from their spans, in any order and from any
// number of batches.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/string_table.h"
#include "model/trace_extent.h"
#include "predicate/batch_binding.h"
#include "predicate/compiled_query.h"

namespace tracestore::predicate {

// Where a trace stands in an answer: greater keys first, ties by trace id ascending.
struct OrderKey {
  std::uint64_t key = 0;  // kNewest: earliest start; kLongest: duration; nanoseconds
  TraceId trace_id;

  // Whether this comes before `other`.
  bool Before(const OrderKey& other) const noexcept {
    return key != other.key ? key > other.key : trace_id < other.trace_id;
  }
  friend bool operator==(const OrderKey&, const OrderKey&) = default;
};

// One thread. The query must outlive it. Memory: about 60 bytes for each span with a parent where
// the query asks for the root (trace_needs().root) and no root without parent has come yet, else
// none that grows.
class TraceEvaluator {
 public:
  explicit TraceEvaluator(const CompiledQuery& query);

  // Begins the next trace.
  void Reset();

  // Adds a span. Spans equal in every field must be added once (matters for trace.spans only).
  // `binding` is the query's to the span's batch.
  void Add(BatchBinding& binding, std::uint32_t row);

  // Instead of spans: leaves known to be met, and the extent and number of spans that a summary
  // gives.
  void AddLeaf(std::size_t leaf) noexcept {
    leaf_bits_[leaf / 64] |= std::uint64_t{1} << leaf % 64;
  }
  void AddExtent(const model::TraceExtent& extent, std::uint64_t spans) noexcept {
    extent_.Add(extent);
    spans_ += spans;
  }

  bool LeafMet(std::size_t leaf) const noexcept {
    return (leaf_bits_[leaf / 64] >> leaf % 64 & 1) != 0;
  }
  // Whether the spans added so far are a matching trace.
  bool Matches() const;
  // The order key's number for the spans added so far.
  std::uint64_t order_key() const noexcept;
  const model::TraceExtent& extent() const noexcept { return extent_; }
  std::uint64_t spans() const noexcept { return spans_; }

 private:
  struct RootCandidate {
    model::RootRank rank;
    SpanId parent_id;
    model::StringId service;
    model::StringId operation;
  };
  bool Better(const RootCandidate& a, const RootCandidate& b) const;
  void AddRootCandidate(BatchBinding& binding, const model::SpanRecord& span);
  RootCandidate FindRoot() const;

  const CompiledQuery* query_;
  std::vector<std::uint64_t> leaf_bits_;
  model::TraceExtent extent_;
  std::uint64_t spans_ = 0;
  // For the root: once a span without parent is seen only the best of these is kept.
  model::StringTable strings_;
  std::vector<SpanId> span_ids_;
  std::vector<RootCandidate> candidates_;
};

}  // namespace tracestore::predicate
