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
// ids, times and raw values. Memory: held_bytes(), and in Build() half as much again.
class SegmentMerge {
 public:
  // `rows`: of all sources, about. `stop` is asked between pages, with the rows read so far, and
  // may take its time. `most_bytes`: of held_bytes(), passed by a few pages at most.
  explicit SegmentMerge(std::uint64_t rows,
                        std::function<bool(std::uint64_t spans_read)> stop = nullptr,
                        std::uint64_t most_bytes = ~std::uint64_t{0})
      : rows_(rows), most_bytes_(most_bytes), stop_(std::move(stop)) {}

  // Takes the rows of data.segments[segment] that aren't hidden. Each page is decoded once,
  // whatever of it is hidden; of a page that is hidden wholly, nothing but ids and times. False:
  // there is no room for all of it, and the merge is of no use then. Errors: kIo, kCorruption,
  // kCancelled.
  Result<bool> Add(const SnapshotData& data, std::size_t segment);
  // Whether there seems to be room for so many rows more, if they are like those so far.
  bool HasRoomFor(std::uint64_t rows) const noexcept;

  // The merged segment; one without rows where none is left. Once only. Errors: kInvalidArgument
  // for more rows than a segment takes, kCancelled.
  Result<BuiltSegment> Build(const SegmentOrigin& origin);

  std::uint64_t spans_read() const noexcept { return read_; }
  std::uint64_t spans_left() const noexcept { return kept_.size(); }
  // What the rows take so far, and the bytes of their sources' files, for as many are written.
  std::uint64_t held_bytes() const noexcept;
  // What the rows take so far, with what is reserved for those to come.
  std::size_t memory_bytes() const noexcept { return kept_.memory_bytes(); }
  // Of columns of pages.
  std::uint64_t streams_decoded() const noexcept { return streams_decoded_; }

 private:
  // Resources and scopes from these numbers on, and the spans that name them.
  void Unite(const model::SpanBatch::Mark& fresh);
  void ReserveForAll();

  const std::uint64_t rows_;
  const std::uint64_t most_bytes_;
  std::uint64_t file_bytes_ = 0;  // of the pages read
  std::function<bool(std::uint64_t)> stop_;
  model::SpanBatch kept_;
  RowHints hints_;
  // Content hash to index in kept_.
  std::unordered_multimap<std::uint64_t, std::uint32_t> resources_, scopes_;
  std::uint64_t read_ = 0;
  std::uint64_t streams_decoded_ = 0;
};

}  // namespace tracestore::store
