#include "store/segment/row_order.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/hash.h"
#include "model/trace_extent.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// The rows of each trace together, by start, then id: the order in which siblings will stand.
class TraceGroups {
 public:
  explicit TraceGroups(const SpanBatch& batch) : batch_(batch) {
    slots_.resize(std::bit_ceil(std::max<std::size_t>(64, batch.size() / 4)), 0);
    std::vector<std::uint32_t> group_of(batch.size());
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      // Often that of the row before: it spares the look-up.
      const bool same = row > 0 && batch.spans[row].trace_id == batch.spans[row - 1].trace_id;
      group_of[row] = same ? group_of[row - 1] : FindOrAdd(row);
      ++traces_[group_of[row]].rows;
    }
    begins_.assign(traces_.size() + 1, 0);
    for (std::size_t i = 0; i < traces_.size(); ++i)
      begins_[i + 1] = begins_[i] + traces_[i].rows;
    rows_.resize(batch.size());
    std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
    for (std::uint32_t row = 0; row < batch.size(); ++row) rows_[next[group_of[row]]++] = row;
  }

  std::size_t size() const noexcept { return traces_.size(); }

  // The id and the number of rows of a trace, its times not yet known.
  TraceRows TraceOf(std::size_t group) const { return traces_[group]; }
  std::uint32_t* SortedRowsOf(std::size_t group) {
    std::uint32_t* first = rows_.data() + begins_[group];
    std::sort(first, first + traces_[group].rows, [&](std::uint32_t x, std::uint32_t y) {
      const SpanRecord& a = batch_.spans[x];
      const SpanRecord& b = batch_.spans[y];
      if (a.start_ns != b.start_ns) return a.start_ns < b.start_ns;
      if (a.span_id != b.span_id) return a.span_id < b.span_id;
      return x < y;
    });
    return first;
  }

 private:
  std::uint32_t FindOrAdd(std::uint32_t row) {
    const TraceId id = batch_.spans[row].trace_id;
    std::uint32_t& slot = SlotOf(id);
    if (slot != 0) return slot - 1;
    traces_.push_back({id, 0, 0, 0, 0});
    slot = static_cast<std::uint32_t>(traces_.size());
    if (traces_.size() * 2 > slots_.size()) {
      slots_.assign(slots_.size() * 2, 0);
      for (std::uint32_t i = 0; i < traces_.size(); ++i) SlotOf(traces_[i].id) = i + 1;
    }
    return static_cast<std::uint32_t>(traces_.size() - 1);
  }
  // Its own, or the free one where it belongs.
  std::uint32_t& SlotOf(TraceId id) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = static_cast<std::size_t>(base::HashTraceId(id)) & mask;
    while (slots_[at] != 0 && traces_[slots_[at] - 1].id != id) at = (at + 1) & mask;
    return slots_[at];
  }

  const SpanBatch& batch_;
  std::vector<TraceRows> traces_;
  std::vector<std::uint32_t> slots_;   // open addressing, trace + 1, 0 = free; a power of two
  std::vector<std::uint32_t> begins_;  // of each trace's rows in rows_
  std::vector<std::uint32_t> rows_;
};

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
  TraceGroups groups(batch);
  struct Trace {
    TraceRows trace;
    const std::uint32_t* sorted;
  };
  std::vector<Trace> traces;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    Trace made{groups.TraceOf(i), groups.SortedRowsOf(i)};
    model::TraceExtent extent;
    for (std::uint32_t row = 0; row < made.trace.rows; ++row)
      extent.Add(batch.spans[made.sorted[row]]);
    made.trace.start_ns = extent.start_ns;
    made.trace.end_ns = extent.end_ns;
    traces.push_back(made);
  }
  std::sort(traces.begin(), traces.end(), [](const Trace& a, const Trace& b) {
    if (a.trace.start_ns != b.trace.start_ns) return a.trace.start_ns < b.trace.start_ns;
    return a.trace.id < b.trace.id;
  });
  RowOrder order;
  order.rows.reserve(batch.size());
  order.parents.reserve(batch.size());
  TraceOrderer orderer(batch);
  for (Trace& made : traces) {
    made.trace.first_row = static_cast<std::uint32_t>(order.rows.size());
    orderer.Order(made.sorted, made.trace.rows, order);
    order.traces.push_back(made.trace);
  }
  return order;
}

}  // namespace tracestore::store
