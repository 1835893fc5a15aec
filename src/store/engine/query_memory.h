// QueryMemory: what queries of one store keep from call to call, within one budget.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/engine/memo.h"
#include "store/engine/segment_answers.h"
#include "store/segment/page_cache.h"

namespace tracestore::store {

// The budget's parts: half for pages of segments as codes, a quarter for what was worked out from
// single segments, an eighth for the spans that are in no segment yet, an eighth for answers of one
// catalog version. None takes from another. With a budget of 0 nothing is kept, and answers are the
// same. Any thread.
class QueryMemory {
 public:
  static constexpr std::uint64_t kDefaultBytes = std::uint64_t{128} << 20;

  explicit QueryMemory(std::uint64_t bytes)
      : bytes_(static_cast<std::size_t>(bytes)),
        pages_(std::make_shared<PageCache>(bytes_ / 2)), by_segment_(bytes_ / 4) {}

  const std::shared_ptr<PageCache>& pages() const noexcept { return pages_; }
  SegmentAnswers& by_segment() noexcept { return by_segment_; }
  std::size_t head_bytes() const noexcept { return bytes_ / 8; }
  // An empty memo; a snapshot that is kept keeps the one that it was taken with.
  std::shared_ptr<Memo> MakeMemo() const { return std::make_shared<Memo>(bytes_ / 8); }

 private:
  const std::size_t bytes_;
  const std::shared_ptr<PageCache> pages_;
  SegmentAnswers by_segment_;
};

}  // namespace tracestore::store
