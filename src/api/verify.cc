#include <tracestore/repair.h>
#include <tracestore/verify.h>

#include "base/try.h"
#include "fs/posix_file_system.h"
#include "store/verify/store_repair.h"
#include "store/verify/store_verifier.h"

namespace tracestore {

Result<VerifyReport> Verify(const std::string& path, const VerifyOptions& options) {
  store::VerifyRun run(options);
  TS_TRY(store::VerifyPath(fs::PosixFileSystem::Shared(), path, run));
  return run.Finish();
}

Result<RepairReport> Repair(const std::string& directory, const RepairOptions& options) {
  return store::RepairStore(fs::PosixFileSystem::Shared(), directory, options);
}

}  // namespace tracestore
