// SalvageSegment: the rows that can still be read of a damaged segment file.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tracestore/repair.h>
#include <tracestore/status.h>

#include "fs/file_system.h"
#include "model/span_batch.h"
#include "store/segment/segment_recovery.h"

namespace tracestore::store {

struct Salvage {
  model::SpanBatch rows;
  std::vector<Loss> losses;
};

// A page is read where its checksum holds and the table of traces can be read, and of the
// dictionary, the tables, the templates and the footer one of their two copies; meta, page index
// and trace filter are made anew. `rows_expected`: what the
// catalog says, 0 where nobody does. Errors: kIo, kUnsupported.
Result<Salvage> SalvageSegment(std::unique_ptr<fs::RandomAccessFile> file, const std::string& name,
                               std::uint64_t rows_expected);

// What a damaged or sound segment file says of its origin; none where it can't be read. Errors:
// kIo.
Result<std::optional<SegmentOrigin>> SalvageOrigin(const fs::RandomAccessFile& file,
                                                   const std::string& name);

}  // namespace tracestore::store
