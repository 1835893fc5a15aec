// VerifySegment: one segment file held to docs/format/segment.md from its own bytes alone.
#pragma once
#include <memory>
#include <string>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/segment/segment_reader.h"
#include "store/verify/verify_run.h"

namespace tracestore::store {

// Says what is wrong and goes on behind it: each section and page is looked at whatever befell the
// others. Gives the open segment; null where it can't be opened. Errors: kCancelled.
Result<std::shared_ptr<const SegmentReader>> VerifySegment(
    std::unique_ptr<fs::RandomAccessFile> file, const std::string& name, VerifyRun& run);

}  // namespace tracestore::store
