// TraceIndex: the rows of one trace in a snapshot's segments, and where a span id or a parent's id
// is among them. For traces so large that their spans aren't read to answer of them.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "base/stop.h"
#include "base/try.h"
#include "model/span_batch.h"
#include "query/fetch.h"
#include "query/id_table.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// A trace's rows in segments as one row of numbers: part after part.
class TraceRows {
 public:
  struct Part {
    std::shared_ptr<const store::SegmentReader> segment;
    std::uint32_t first_row = 0;  // of the segment
    std::uint32_t rows = 0;
    std::uint32_t begin = 0;      // the number of the first
  };
  // Of the places of data.segments. Errors also: kUnsupported for 2^32 rows or more.
  static Result<TraceRows> Of(const store::SnapshotData& data,
                              const std::vector<TracePlace>& places);

  const std::vector<Part>& parts() const noexcept { return parts_; }
  std::uint32_t size() const noexcept { return size_; }
  const Part& PartOf(std::uint32_t number) const noexcept;
  std::size_t memory_bytes() const noexcept { return parts_.capacity() * sizeof(Part); }

  // Reads the rows of these numbers, which ascend, page by page: `visit(batch, numbers)` with some of
  // them, whose rows in the batch are numbers[i] - numbers[0]. Errors: kIo, kCorruption, kCancelled,
  // and what `visit` returns.
  template <typename Visit>
  Status Read(const std::vector<std::uint32_t>& numbers, const store::Projection& projection,
              const StopWhen& stop, const Visit& visit) const {
    for (std::size_t i = 0; i < numbers.size();) {
      const Part& part = PartOf(numbers[i]);
      const std::size_t end = EndOfPage(part, numbers, i);
      const std::uint32_t first = part.first_row + (numbers[i] - part.begin);
      const std::uint32_t last = part.first_row + (numbers[end - 1] - part.begin) + 1;
      model::SpanBatch rows;
      TS_TRY(part.segment->ReadRows(first, last, projection, rows, stop));
      if (rows.size() != last - first) return Lacks(part);
      TS_TRY(visit(rows, std::span(numbers).subspan(i, end - i)));
      i = end;
    }
    return {};
  }

 private:
  static std::size_t EndOfPage(const Part& part, const std::vector<std::uint32_t>& numbers,
                               std::size_t i);
  static Error Lacks(const Part& part);

  std::vector<Part> parts_;
  std::uint32_t size_ = 0;
};

// What the pages' trees say of the rows, and of spans that were added. 8 bytes a span.
struct TraceScan {
  std::vector<std::uint64_t> ids;       // by number
  std::vector<IdTable::Entry> parents;  // of rows whose parent isn't in their page
  std::vector<bool> parentless;         // by part: a row without a parent is in it

  // Errors: kIo, kCorruption, kCancelled.
  Status Read(const TraceRows& rows, const StopWhen& stop);
};

// Immutable; any thread reads. Memory: about 9 bytes a span.
class TraceIndex {
 public:
  TraceIndex(TraceRows rows, IdTable by_id, IdTable by_parent)
      : rows_(std::move(rows)), by_id_(std::move(by_id)), by_parent_(std::move(by_parent)) {}

  // From the snapshot's memo where it is there; a large one comes there. Errors: kIo, kCorruption,
  // kCancelled, kUnsupported for 2^32 rows or more.
  static Result<std::shared_ptr<const TraceIndex>> Of(const store::SnapshotData& data, TraceId id);
  // For the next call of Of() with a snapshot of the same segments.
  static void Keep(const store::SnapshotData& data, TraceId id,
                   std::shared_ptr<const TraceIndex> index);

  const TraceRows& rows() const noexcept { return rows_; }
  const IdTable& by_id() const noexcept { return by_id_; }
  // Only of rows whose parent isn't in their page.
  const IdTable& by_parent() const noexcept { return by_parent_; }
  std::size_t memory_bytes() const noexcept {
    return sizeof *this + rows_.memory_bytes() + by_id_.memory_bytes() + by_parent_.memory_bytes();
  }

 private:
  TraceRows rows_;
  IdTable by_id_;
  IdTable by_parent_;
};

}  // namespace tracestore::query
