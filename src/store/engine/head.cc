#include "store/engine/head.h"

namespace tracestore::store {
namespace {

// Batches of as many rows are left alone: a search reads the rows of the head anyway, and each merge
// copies them.
constexpr std::size_t kMaxMergedRows = 1024;
// So many small neighbours become one: what comes alone is copied some log8(1024) times, and few
// batches stand at any time.
constexpr std::size_t kFanIn = 8;

}  // namespace

model::SpanBatch Concatenate(std::span<const std::shared_ptr<const HeadBatch>> batches) {
  model::SpanBatch::Mark counts{};
  for (const auto& from : batches) {
    const model::SpanBatch::Mark more = from->batch().mark();
    counts.attributes += more.attributes;
    counts.events += more.events;
    counts.references += more.references;
    counts.spans += more.spans;
  }
  model::SpanBatch whole;
  whole.Reserve(counts);
  model::BatchAppender appender(whole);
  for (const auto& from : batches) {
    appender.SetSource(from->batch());
    for (std::uint32_t row = 0; row < from->batch().size(); ++row) appender.Append(row);
  }
  return whole;
}

void Head::Add(model::SpanBatch&& batch) {
  if (batch.empty()) return;
  Adopt(std::make_shared<const HeadBatch>(std::move(batch)));
  while (MergeLast()) {
  }
}

// Merges the batches at the end that are all below a bound, smallest bound first, where there are
// kFanIn of them.
bool Head::MergeLast() {
  for (const std::size_t bound : {kFanIn, kFanIn * kFanIn, kMaxMergedRows / 2, kMaxMergedRows}) {
    std::size_t run = 0;
    while (run < batches_.size() && batches_[batches_.size() - 1 - run]->batch().size() < bound)
      ++run;
    if (run < kFanIn) continue;
    const auto last = std::span(batches_).last(run);
    for (const auto& batch : last) bytes_ -= batch->memory_bytes();
    auto merged = std::make_shared<const HeadBatch>(Concatenate(last));
    bytes_ += merged->memory_bytes();
    batches_.resize(batches_.size() - run);
    batches_.push_back(std::move(merged));
    return true;
  }
  return false;
}

void Head::Adopt(std::shared_ptr<const HeadBatch> batch) {
  if (spans_ == 0) since_ = std::chrono::steady_clock::now();
  spans_ += batch->batch().size();
  bytes_ += batch->memory_bytes();
  batches_.push_back(std::move(batch));
}

}  // namespace tracestore::store
