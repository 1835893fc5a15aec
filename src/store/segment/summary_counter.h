// SummaryCounter: what the summary sections are counted with, when a segment is written and when it
// is verified.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "model/span_batch.h"
#include "store/segment/flat_map.h"
#include "store/segment/summary.h"

namespace tracestore::store {

// Counts by a key of two dictionary ids and a kind, and by step.
class CellCounter {
 public:
  // The number of the cell.
  std::uint32_t Count(std::uint32_t kind, std::uint32_t a, std::uint32_t b, std::uint32_t step,
                      bool error) {
    const std::uint32_t key = keys_.FindOrAdd(kind, std::uint64_t{a} << 32 | b);
    const std::uint32_t cell = cells_.FindOrAdd(key, step);
    if (cell == errors_.size()) errors_.push_back(0);
    errors_[cell] += error ? 1 : 0;
    return cell;
  }
  std::size_t size() const noexcept { return errors_.size(); }
  std::uint32_t a(std::uint32_t cell) const {
    return static_cast<std::uint32_t>(KeyOf(cell) >> 32);
  }
  std::uint32_t b(std::uint32_t cell) const { return static_cast<std::uint32_t>(KeyOf(cell)); }
  std::uint32_t kind(std::uint32_t cell) const {
    return keys_.entries()[cells_.entries()[cell].scope].scope;
  }
  std::uint32_t step(std::uint32_t cell) const {
    return static_cast<std::uint32_t>(cells_.entries()[cell].key);
  }
  std::uint32_t calls(std::uint32_t cell) const { return cells_.entries()[cell].count; }
  std::uint32_t errors(std::uint32_t cell) const { return errors_[cell]; }

  // Cells by a, b, kind, step.
  std::vector<std::uint32_t> Sorted() const {
    std::vector<std::uint32_t> order(size());
    std::iota(order.begin(), order.end(), 0U);
    const auto rank = [this](std::uint32_t cell) {
      return std::tuple(KeyOf(cell), kind(cell), step(cell));
    };
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t x, std::uint32_t y) { return rank(x) < rank(y); });
    return order;
  }

 private:
  std::uint64_t KeyOf(std::uint32_t cell) const {
    return keys_.entries()[cells_.entries()[cell].scope].key;
  }
  FlatMap keys_;   // scope kind, key a and b
  FlatMap cells_;  // scope key, key step
  std::vector<std::uint32_t> errors_;
};

// One thread. Ids are the dictionary's.
class SummaryCounter {
 public:
  struct Service {
    std::uint32_t id = 0;
    bool named = false;
  };

  explicit SummaryCounter(SummarySteps steps) : steps_(std::move(steps)) {}

  // A span that counts once, and a call of it by a parent in its trace.
  void AddSpan(const model::SpanRecord& span, std::uint32_t service, std::uint32_t name);
  void AddCall(const Service& caller, const Service& callee, const model::SpanRecord& span);

  // A whole trace part, assembled: its calls, and with `spans_too` its spans.
  void AddTrace(const model::SpanBatch& trace,
                const std::function<std::uint32_t(std::string_view)>& id_of, bool spans_too);

  std::size_t link_cells() const noexcept { return links_.size(); }
  LinkSummary Links() const;
  MetricSummary Metrics() const;

 private:
  std::uint32_t StepOf(const model::SpanRecord& span) const {
    return span.has_start() ? steps_.StepOf(span.start_ns) : steps_.startless();
  }

  const SummarySteps steps_;
  CellCounter links_;
  CellCounter series_;
  FlatMap latencies_;  // scope cell of series_, key bucket
};

}  // namespace tracestore::store
