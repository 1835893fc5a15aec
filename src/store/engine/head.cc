#include "store/engine/head.h"

namespace tracestore::store {
namespace {

// Larger batches are left alone: merging them gains a search nothing.
constexpr std::size_t kMaxMergedRows = 8192;

}  // namespace

void Head::Add(model::SpanBatch&& batch) {
  if (batch.empty()) return;
  if (spans_ == 0) since_ = std::chrono::steady_clock::now();
  spans_ += batch.size();
  std::vector<std::shared_ptr<const HeadBatch>> merged;
  std::size_t rows = batch.size();
  while (!batches_.empty() && batches_.back()->batch().size() < 2 * rows &&
         batches_.back()->batch().size() + rows <= kMaxMergedRows) {
    rows += batches_.back()->batch().size();
    bytes_ -= batches_.back()->memory_bytes();
    merged.push_back(std::move(batches_.back()));
    batches_.pop_back();
  }
  if (!merged.empty()) {
    model::SpanBatch whole;
    model::BatchAppender appender(whole);
    const auto append_all = [&](const model::SpanBatch& from) {
      appender.SetSource(from);
      for (std::uint32_t row = 0; row < from.size(); ++row) appender.Append(row);
    };
    for (auto at = merged.rbegin(); at != merged.rend(); ++at) append_all((*at)->batch());
    append_all(batch);
    batch = std::move(whole);
  }
  batches_.push_back(std::make_shared<const HeadBatch>(std::move(batch)));
  bytes_ += batches_.back()->memory_bytes();
}

void Head::Adopt(std::shared_ptr<const HeadBatch> batch) {
  if (spans_ == 0) since_ = std::chrono::steady_clock::now();
  spans_ += batch->batch().size();
  bytes_ += batch->memory_bytes();
  batches_.push_back(std::move(batch));
}

}  // namespace tracestore::store
