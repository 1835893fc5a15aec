// Head: spans that are in the log and in no segment yet.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore::store {

// All rows in one batch, in their order.
model::SpanBatch Concatenate(std::span<const std::shared_ptr<const HeadBatch>> batches);

// A list of immutable batches. Small ones are merged with their neighbours as they come, so that a
// search meets few: eight of like size become one, up to some hundred rows, which copies a span
// that came alone two or three times and one that came among hundreds never. Not locked: the
// engine's lock does.
class Head {
 public:
  // `end`: of the batch's record in the log.
  void Add(model::SpanBatch&& batch, LogPosition end);
  // Takes a batch as it is, but for rows that are deleted.
  void Adopt(std::shared_ptr<const HeadBatch> batch);
  // Also where no row is left of the other, the records that were in it count as in this.
  void AdoptAll(const Head& other);
  // Lets go of the rows that these tombstones hide, and of those that come later.
  void Hide(const std::shared_ptr<const TombstoneSet>& tombstones);

  const std::vector<std::shared_ptr<const HeadBatch>>& batches() const noexcept { return batches_; }
  std::uint64_t spans() const noexcept { return spans_; }
  std::uint64_t memory_bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return spans_ == 0; }
  // Records of the log came into it, whether or not a row of them is left.
  bool holds_records() const noexcept { return holds_records_; }
  // When the first record came.
  std::chrono::steady_clock::time_point since() const noexcept { return since_; }

 private:
  bool MergeLast();

  std::vector<std::shared_ptr<const HeadBatch>> batches_;
  std::uint64_t spans_ = 0;
  std::uint64_t bytes_ = 0;
  bool holds_records_ = false;
  std::shared_ptr<const TombstoneSet> hidden_ = std::make_shared<TombstoneSet>();
  std::chrono::steady_clock::time_point since_{};
};

}  // namespace tracestore::store
