#include "store/segment/summary_builder.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "store/segment/segment_format.h"
#include "store/segment/summary_counter.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// The least step of 10 s times a power of two that leaves few enough of them.
SummarySteps ChooseSteps(const SpanBatch& batch) {
  const std::size_t most =
      std::clamp<std::size_t>(batch.size() / kSummaryRowsAStep, 1, kMaxSummarySteps);
  SummarySteps steps;
  steps.step_ns = kLeastSummaryStepNs;
  std::unordered_set<std::uint64_t> numbers;
  for (const SpanRecord& span : batch.spans) {
    if (!span.has_start()) continue;
    numbers.insert(span.start_ns / steps.step_ns);
    while (numbers.size() > most && steps.step_ns <= ~0ULL / 2) {
      std::unordered_set<std::uint64_t> halved;
      for (const std::uint64_t number : numbers) halved.insert(number / 2);
      numbers = std::move(halved);
      steps.step_ns *= 2;
    }
  }
  for (const std::uint64_t number : numbers) steps.begins_ns.push_back(number * steps.step_ns);
  std::sort(steps.begins_ns.begin(), steps.begins_ns.end());
  return steps;
}

class SummaryBuilder {
 public:
  SummaryBuilder(const SpanBatch& batch, const RowOrder& order,
                 const DictionaryBuilder& dictionary)
      : batch_(batch), order_(order), dictionary_(dictionary), counter_(ChooseSteps(batch)) {
    for (const model::ResourceRecord& resource : batch.resources) {
      const std::string_view name = ServiceOf(batch, resource);
      services_.push_back({dictionary.IdOfText(name), !name.empty()});
    }
  }

  Summaries Build(const TraceTable& traces) {
    for (const TracePart& part : traces.parts) {
      if (part.has_repeats) {
        AddAssembled(part, true);
        continue;
      }
      for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row)
        counter_.AddSpan(Span(row), services_[Span(row).resource].id,
                         dictionary_.IdOf(Span(row).name));
      if (HasFurtherEdges(part)) AddAssembled(part, false);
      else AddCalls(part);
    }
    Summaries made;
    made.metrics = counter_.Metrics();
    if (counter_.link_cells() <= batch_.size()) made.links = counter_.Links();
    return made;
  }

 private:
  const SpanRecord& Span(std::uint32_t row) const { return batch_.spans[order_.rows[row]]; }

  // Edges that RowOrder::parents doesn't tell: other references, and circles that it cut.
  bool HasFurtherEdges(const TracePart& part) const {
    std::uint32_t unlinked = 0;
    for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row) {
      const SpanRecord& span = Span(row);
      if (!span.parent_id.empty() && span.parent_id != span.span_id &&
          order_.parents[row] == kNoRow) {
        ++unlinked;
      }
      for (std::uint32_t i = 0; i < span.references.count; ++i) {
        const model::ReferenceRecord& reference = batch_.references[span.references.begin + i];
        if (reference.trace_id == span.trace_id && reference.type != ReferenceType::kLink)
          return true;
      }
    }
    return unlinked != part.orphans;
  }

  void AddCalls(const TracePart& part) {
    for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row) {
      if (order_.parents[row] == kNoRow) continue;
      const SpanRecord& span = Span(row);
      counter_.AddCall(services_[Span(order_.parents[row]).resource], services_[span.resource],
                       span);
    }
  }

  // The part as a trace of its own, with the rule that has all cases.
  void AddAssembled(const TracePart& part, bool spans_too) {
    SpanBatch trace;
    model::BatchAppender appender(trace);
    appender.SetSource(batch_);
    for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row)
      appender.Append(order_.rows[row]);
    counter_.AddTrace(
        trace, [this](std::string_view text) { return dictionary_.IdOfText(text); }, spans_too);
  }

  const SpanBatch& batch_;
  const RowOrder& order_;
  const DictionaryBuilder& dictionary_;
  SummaryCounter counter_;
  std::vector<SummaryCounter::Service> services_;  // by resource
};

}  // namespace

Summaries BuildSummaries(const SpanBatch& batch, const RowOrder& order,
                         const DictionaryBuilder& dictionary, const TraceTable& traces) {
  return SummaryBuilder(batch, order, dictionary).Build(traces);
}

}  // namespace tracestore::store
