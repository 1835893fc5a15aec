#include "store/engine/head.h"

#include <algorithm>

namespace tracestore::store {
namespace {

// Batches of as many rows are left alone: a search reads the rows of the head anyway, and each merge
// copies them.
constexpr std::size_t kMaxMergedRows = 256;
// So many small neighbours become one: what comes alone is copied some log8(256) times, and few
// batches stand at any time.
constexpr std::size_t kFanIn = 8;

// Calls `visit(row, end)` with each row and where its record ends.
template <typename Visit>
void ForEachPlace(const HeadBatch& batch, const Visit& visit) {
  const auto& runs = batch.runs();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto end = i + 1 < runs.size() ? runs[i + 1].first_row
                                         : static_cast<std::uint32_t>(batch.batch().size());
    for (std::uint32_t row = runs[i].first_row; row < end; ++row) visit(row, runs[i].end);
  }
}

// Whether a row of the batch may be hidden by one of these tombstones.
bool MayTouch(const HeadBatch& batch, std::span<const Tombstone> tombstones) {
  const LogPosition first = batch.runs().front().end;
  // Many are looked up row by row.
  if (tombstones.size() > batch.batch().size()) return true;
  return std::any_of(tombstones.begin(), tombstones.end(), [&](const Tombstone& t) {
    return first <= t.position &&
           (t.kind == TombstoneKind::kBefore || batch.HasTrace(t.trace_id));
  });
}

// The batch without the rows that are hidden: itself where none is, null where all are.
std::shared_ptr<const HeadBatch> WithoutHidden(std::shared_ptr<const HeadBatch> batch,
                                               const TombstoneSet& tombstones) {
  model::SpanBatch kept;
  std::vector<HeadBatch::Run> runs;
  model::BatchAppender appender(kept);
  appender.SetSource(batch->batch());
  ForEachPlace(*batch, [&](std::uint32_t row, LogPosition end) {
    if (tombstones.Hides(batch->batch().spans[row].trace_id, end)) return;
    if (runs.empty() || runs.back().end != end)
      runs.push_back({static_cast<std::uint32_t>(kept.size()), end});
    appender.Append(row);
  });
  if (kept.size() == batch->batch().size()) return batch;
  if (kept.empty()) return nullptr;
  return std::make_shared<const HeadBatch>(std::move(kept), std::move(runs));
}

// As Concatenate, with the places of the rows.
std::shared_ptr<const HeadBatch> Merge(std::span<const std::shared_ptr<const HeadBatch>> batches) {
  std::vector<HeadBatch::Run> runs;
  std::uint32_t rows = 0;
  for (const auto& from : batches) {
    for (const HeadBatch::Run& run : from->runs()) runs.push_back({rows + run.first_row, run.end});
    rows += static_cast<std::uint32_t>(from->batch().size());
  }
  return std::make_shared<const HeadBatch>(Concatenate(batches), std::move(runs));
}

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

void Head::Add(model::SpanBatch&& batch, LogPosition end) {
  if (batch.empty()) return;
  Adopt(std::make_shared<const HeadBatch>(std::move(batch), end));
  while (MergeLast()) {
  }
}

// Merges the batches at the end that are all below a bound, smallest bound first, where there are
// kFanIn of them.
bool Head::MergeLast() {
  for (const std::size_t bound : {kFanIn, kFanIn * kFanIn, kMaxMergedRows}) {
    std::size_t run = 0;
    while (run < batches_.size() && batches_[batches_.size() - 1 - run]->batch().size() < bound)
      ++run;
    if (run < kFanIn) continue;
    const auto last = std::span(batches_).last(run);
    for (const auto& batch : last) bytes_ -= batch->memory_bytes();
    auto merged = Merge(last);
    bytes_ += merged->memory_bytes();
    batches_.resize(batches_.size() - run);
    batches_.push_back(std::move(merged));
    return true;
  }
  return false;
}

void Head::Adopt(std::shared_ptr<const HeadBatch> batch) {
  if (!holds_records_) since_ = std::chrono::steady_clock::now();
  holds_records_ = true;
  if (hidden_->MayHide(batch->runs().front().end)) batch = WithoutHidden(std::move(batch), *hidden_);
  if (batch == nullptr) return;
  spans_ += batch->batch().size();
  bytes_ += batch->memory_bytes();
  batches_.push_back(std::move(batch));
}

void Head::AdoptAll(const Head& other) {
  if (other.holds_records_ && !holds_records_) since_ = std::chrono::steady_clock::now();
  holds_records_ = holds_records_ || other.holds_records_;
  for (const auto& batch : other.batches_) Adopt(batch);
}

void Head::Hide(const std::shared_ptr<const TombstoneSet>& tombstones) {
  const std::vector<Tombstone>& all = tombstones->tombstones();
  const auto fresh = std::upper_bound(
      all.begin(), all.end(), hidden_->last_sequence(),
      [](std::uint64_t sequence, const Tombstone& t) { return sequence < t.sequence; });
  hidden_ = tombstones;
  const std::span<const Tombstone> made(fresh, all.end());
  if (made.empty()) return;
  std::vector<std::shared_ptr<const HeadBatch>> kept;
  for (auto& batch : batches_) {
    if (!tombstones->MayHide(batch->runs().front().end) || !MayTouch(*batch, made)) {
      kept.push_back(std::move(batch));
      continue;
    }
    spans_ -= batch->batch().size();
    bytes_ -= batch->memory_bytes();
    auto left = WithoutHidden(std::move(batch), *tombstones);
    if (left == nullptr) continue;
    spans_ += left->batch().size();
    bytes_ += left->memory_bytes();
    kept.push_back(std::move(left));
  }
  batches_ = std::move(kept);
}

}  // namespace tracestore::store
