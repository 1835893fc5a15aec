// SegmentMerge: the rows of several segments as those of one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include <tracestore/status.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"
#include "store/segment/segment_writer.h"

namespace tracestore::store {

// One thread. Memory: the spans that are left, decoded, and about as much again in Build().
class SegmentMerge {
 public:
  // `stop` is asked between pages, with the rows read so far, and may take its time.
  explicit SegmentMerge(std::function<bool(std::uint64_t spans_read)> stop)
      : stop_(std::move(stop)) {}

  // Takes the rows of data.segments[segment] that aren't hidden. Errors: kIo, kCorruption,
  // kCancelled.
  Status Add(const SnapshotData& data, std::size_t segment);

  // The merged segment; one without rows where none is left. Once only. Errors: kInvalidArgument
  // for more rows than a segment takes, kCancelled.
  Result<BuiltSegment> Build(const SegmentOrigin& origin);

  std::uint64_t spans_read() const noexcept { return read_; }
  std::uint64_t spans_left() const noexcept { return kept_.size(); }

 private:
  std::function<bool(std::uint64_t)> stop_;
  model::SpanBatch kept_;
  model::BatchAppender appender_{kept_};
  std::uint64_t read_ = 0;
};

}  // namespace tracestore::store
