// VerifyPath: a store's directory, or one of its files.
#pragma once
#include <string>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/verify/verify_run.h"

namespace tracestore::store {

// `path` as tracestore::Verify has it. Errors as there.
Status VerifyPath(fs::FileSystem& files, const std::string& path, VerifyRun& run);

// One store, without its archive.
Status VerifyStore(fs::FileSystem& files, const std::string& directory, VerifyRun& run);

}  // namespace tracestore::store
