#include "store/segment/row_order.h"

#include <algorithm>
#include <numeric>

#include "model/trace_extent.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// By trace, then start, then id: the order in which siblings will stand.
std::vector<std::uint32_t> SortByTrace(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  const auto& spans = batch.spans;
  std::sort(rows.begin(), rows.end(), [&](std::uint32_t x, std::uint32_t y) {
    const SpanRecord& a = spans[x];
    const SpanRecord& b = spans[y];
    if (a.trace_id != b.trace_id) return a.trace_id < b.trace_id;
    if (a.start_ns != b.start_ns) return a.start_ns < b.start_ns;
    if (a.span_id != b.span_id) return a.span_id < b.span_id;
    return x < y;
  });
  return rows;
}

// Orders one trace's rows, given sorted by start. Scratch memory is kept between traces.
class TraceOrderer {
 public:
  explicit TraceOrderer(const SpanBatch& batch) : batch_(batch) {}

  void Order(const std::uint32_t* sorted, std::uint32_t count, RowOrder& out) {
    count_ = count;
    LinkParents(sorted);
    first_child_.assign(count, kNoRow);
    next_sibling_.assign(count, kNoRow);
    // Backwards, so that each list of children ends up ascending.
    for (std::uint32_t i = count; i-- > 0;) {
      if (parent_[i] == kNoRow) continue;
      next_sibling_[i] = first_child_[parent_[i]];
      first_child_[parent_[i]] = i;
    }
    position_.assign(count, kNoRow);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (parent_[i] == kNoRow) Emit(i, sorted, out);
    }
    // What is left hangs on circles: cut each at its earliest row.
    for (std::uint32_t i = 0; i < count; ++i) {
      if (position_[i] == kNoRow) Emit(i, sorted, out);
    }
  }

 private:
  void LinkParents(const std::uint32_t* sorted) {
    by_id_.resize(count_);
    std::iota(by_id_.begin(), by_id_.end(), 0U);
    const auto id = [&](std::uint32_t i) { return batch_.spans[sorted[i]].span_id; };
    std::stable_sort(by_id_.begin(), by_id_.end(),
                     [&](std::uint32_t x, std::uint32_t y) { return id(x) < id(y); });
    parent_.assign(count_, kNoRow);
    for (std::uint32_t i = 0; i < count_; ++i) {
      const SpanId wanted = batch_.spans[sorted[i]].parent_id;
      if (wanted.empty()) continue;
      const auto found = std::lower_bound(by_id_.begin(), by_id_.end(), wanted,
                                          [&](std::uint32_t x, SpanId v) { return id(x) < v; });
      if (found != by_id_.end() && id(*found) == wanted && *found != i) parent_[i] = *found;
    }
  }

  // Preorder from `root`, with a stack of our own; rows already placed are passed over.
  void Emit(std::uint32_t root, const std::uint32_t* sorted, RowOrder& out) {
    stack_.assign(1, root);
    bool cut = true;
    while (!stack_.empty()) {
      const std::uint32_t i = stack_.back();
      stack_.pop_back();
      if (position_[i] != kNoRow) continue;
      position_[i] = static_cast<std::uint32_t>(out.rows.size());
      out.rows.push_back(sorted[i]);
      out.parents.push_back(cut || parent_[i] == kNoRow ? kNoRow : position_[parent_[i]]);
      cut = false;
      const std::size_t mark = stack_.size();
      for (std::uint32_t c = first_child_[i]; c != kNoRow; c = next_sibling_[c]) {
        if (position_[c] == kNoRow) stack_.push_back(c);
      }
      std::reverse(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
    }
  }

  const SpanBatch& batch_;
  std::uint32_t count_ = 0;
  std::vector<std::uint32_t> by_id_, parent_, first_child_, next_sibling_, position_, stack_;
};

}  // namespace

RowOrder OrderRows(const SpanBatch& batch) {
  std::vector<std::uint32_t> sorted = SortByTrace(batch);
  struct Group {
    TraceRows trace;
    std::uint32_t begin;
  };
  std::vector<Group> groups;
  for (std::uint32_t i = 0; i < sorted.size();) {
    Group group{{}, i};
    group.trace.id = batch.spans[sorted[i]].trace_id;
    model::TraceExtent extent;
    while (i < sorted.size() && batch.spans[sorted[i]].trace_id == group.trace.id) {
      extent.Add(batch.spans[sorted[i]]);
      ++i;
    }
    group.trace.rows = i - group.begin;
    group.trace.start_ns = extent.start_ns;
    group.trace.end_ns = extent.end_ns;
    groups.push_back(group);
  }
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    if (a.trace.start_ns != b.trace.start_ns) return a.trace.start_ns < b.trace.start_ns;
    return a.trace.id < b.trace.id;
  });
  RowOrder order;
  order.rows.reserve(sorted.size());
  order.parents.reserve(sorted.size());
  TraceOrderer orderer(batch);
  for (Group& group : groups) {
    group.trace.first_row = static_cast<std::uint32_t>(order.rows.size());
    orderer.Order(sorted.data() + group.begin, group.trace.rows, order);
    order.traces.push_back(group.trace);
  }
  return order;
}

}  // namespace tracestore::store
