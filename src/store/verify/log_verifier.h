// VerifyLog: one log file held to docs/format/wal.md and batch.md.
#pragma once
#include <cstdint>
#include <string>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/verify/verify_run.h"

namespace tracestore::store {

// `growing`: a writer may be appending to it, so an unfinished end means nothing. Says what is
// wrong and goes on at the next record. Errors: kCancelled.
Status VerifyLog(fs::FileSystem& files, const std::string& directory, std::uint64_t file_number,
                 bool growing, VerifyRun& run);

}  // namespace tracestore::store
