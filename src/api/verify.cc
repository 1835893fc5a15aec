#include <tracestore/verify.h>

#include "base/try.h"
#include "fs/posix_file_system.h"
#include "store/verify/store_verifier.h"

namespace tracestore {

Result<VerifyReport> Verify(const std::string& path, const VerifyOptions& options) {
  store::VerifyRun run(options);
  TS_TRY(store::VerifyPath(fs::PosixFileSystem::Shared(), path, run));
  return run.Finish();
}

}  // namespace tracestore
