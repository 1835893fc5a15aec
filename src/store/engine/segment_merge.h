// SegmentMerge: the rows of several segments as those of one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>

#include <tracestore/status.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"
#include "store/segment/segment_writer.h"

namespace tracestore::store {

// One thread. What the sources have in tables is taken over once for each of their entries: texts
// of dictionaries, values of lists, shapes of rows, templates (RowHints). Of each row are read its
// ids, times and raw values. Memory: the rows that are left, and about as much again in Build().
class SegmentMerge {
 public:
  // `rows`: of all sources, about. `stop` is asked between pages, with the rows read so far, and
  // may take its time.
  explicit SegmentMerge(std::uint64_t rows,
                        std::function<bool(std::uint64_t spans_read)> stop = nullptr)
      : rows_(rows), stop_(std::move(stop)) {}

  // Takes the rows of data.segments[segment] that aren't hidden. Each page is decoded once, whatever
  // of it is hidden; of a page that is hidden wholly, nothing but ids and times. Errors: kIo,
  // kCorruption, kCancelled.
  Status Add(const SnapshotData& data, std::size_t segment);

  // The merged segment; one without rows where none is left. Once only. Errors: kInvalidArgument
  // for more rows than a segment takes, kCancelled.
  Result<BuiltSegment> Build(const SegmentOrigin& origin);

  std::uint64_t spans_read() const noexcept { return read_; }
  std::uint64_t spans_left() const noexcept { return kept_.size(); }
  // What the rows take so far, with what is reserved for those to come.
  std::size_t memory_bytes() const noexcept { return kept_.memory_bytes(); }
  // Of columns of pages.
  std::uint64_t streams_decoded() const noexcept { return streams_decoded_; }

 private:
  // Resources and scopes from these numbers on, and the spans that name them.
  void Unite(const model::SpanBatch::Mark& fresh);
  void ReserveForAll();

  const std::uint64_t rows_;
  std::function<bool(std::uint64_t)> stop_;
  model::SpanBatch kept_;
  RowHints hints_;
  // Content hash to index in kept_.
  std::unordered_multimap<std::uint64_t, std::uint32_t> resources_, scopes_;
  std::uint64_t read_ = 0;
  std::uint64_t streams_decoded_ = 0;
};

}  // namespace tracestore::store
