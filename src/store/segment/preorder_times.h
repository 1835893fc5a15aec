// What starts and durations of rows in preorder are coded from; one piece of code for the writer
// and the reader (docs/format/segment.md, "Times").
#pragma once
#include <cstdint>
#include <vector>

#include "store/segment/row_order.h"
#include "store/segment/segment_tables.h"

namespace tracestore::store {

// Walks the rows of one page. For each row: Enter() with its place, then Start() and Duration() in
// the direction wanted, then Place(). All arithmetic is modulo 2^64.
class PreorderTimes {
 public:
  // `trace_start`: of the table of traces. Forgets the rows before.
  void BeginTrace(std::uint64_t trace_start) {
    trace_start_ = trace_start;
    stack_.clear();
    outside_.clear();
    roots_ = {trace_start, trace_start, 0, 0, false};
  }

  std::size_t depth() const noexcept { return stack_.size(); }
  // The row (as given to Place) on top after `pops` pops; kNoRow where the stack is then empty.
  std::uint32_t RowAfter(std::size_t pops) const noexcept {
    return pops < stack_.size() ? stack_[stack_.size() - 1 - pops].row : kNoRow;
  }

  // A row below the one left on top after `pops` pops; with all popped, a row whose parent is
  // `outside` - 1 among the page's outside parents, or none where `outside` is 0.
  void Enter(std::size_t pops, std::uint32_t outside) {
    stack_.resize(stack_.size() - pops);
    if (!stack_.empty()) {
      context_ = &stack_.back().children;
      in_page_ = true;
      return;
    }
    in_page_ = false;
    context_ = outside == 0 ? &roots_ : &OutsideContext(outside);
  }

  std::uint64_t StartBaseOf(StartBase base) const noexcept {
    if (!context_->any) return context_->parent_start;
    return base == StartBase::kSiblingEnd ? context_->last_end : context_->last_start;
  }
  // Duration <-> what is stored of it.
  std::uint64_t Fold(DurationBase base, std::uint64_t start, std::uint64_t value) const noexcept {
    if (base == DurationBase::kZero || !in_page_) return value;
    return context_->parent_end - start - value;  // its own inverse
  }

  void Place(std::uint32_t row, std::uint64_t start, std::uint64_t duration) {
    context_->any = true;
    context_->last_start = start;
    context_->last_end = start + duration;
    stack_.push_back({row, {start, start + duration, 0, 0, false}});
  }

 private:
  struct Context {
    std::uint64_t parent_start = 0;
    std::uint64_t parent_end = 0;
    std::uint64_t last_start = 0;
    std::uint64_t last_end = 0;
    bool any = false;
  };
  struct Frame {
    std::uint32_t row;
    Context children;
  };
  Context& OutsideContext(std::uint32_t outside) {
    for (auto& [number, context] : outside_) {
      if (number == outside) return context;
    }
    outside_.push_back({outside, {trace_start_, trace_start_, 0, 0, false}});
    return outside_.back().second;
  }

  std::uint64_t trace_start_ = 0;
  std::vector<Frame> stack_;
  std::vector<std::pair<std::uint32_t, Context>> outside_;  // of this trace; few
  Context roots_;
  Context* context_ = nullptr;
  bool in_page_ = false;
};

}  // namespace tracestore::store
