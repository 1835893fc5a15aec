// RepairStore: see <tracestore/repair.h>.
#pragma once
#include <string>

#include <tracestore/repair.h>
#include <tracestore/status.h>

#include "fs/file_system.h"

namespace tracestore::store {

Result<RepairReport> RepairStore(fs::FileSystem& files, const std::string& directory,
                                 const RepairOptions& options);

}  // namespace tracestore::store
