// TraceScan: the traces that a query finds, whole, the newest first, some at a time.
#pragma once
#include <tracestore/query.h>
#include <tracestore/store.h>

#include <cstddef>

namespace tracestore::server {

// One thread.
class TraceScan {
 public:
  // What it gives at most: seconds of work. Beyond it the search's deadline would end it without an
  // answer.
  static constexpr std::size_t kMostTraces = 20'000;
  static constexpr std::size_t kMostSpans = 2'000'000;
  // Of one call of Next(), and those of its last trace.
  static constexpr std::uint32_t kPageSpans = 20'000;

  // `snapshot` must outlive it. The query's limit and cursor, and parts.max_spans, are set here.
  TraceScan(const Snapshot& snapshot, Query query, SpanParts parts);

  bool done() const noexcept { return done_; }
  // Not once it is done. Errors: as Snapshot::ReadSpans.
  Result<SpanList> Next();

 private:
  const Snapshot& snapshot_;
  Query query_;
  SpanParts parts_;
  bool done_ = false;
  std::size_t traces_ = 0;  // given so far, as the following
  std::size_t spans_ = 0;
};

}  // namespace tracestore::server
