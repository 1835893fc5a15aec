#include "service/open_files.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace tracestore::tools {

void RaiseOpenFilesLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  spdlog::warn("open files stay limited to {}: {}", before,
               std::error_code(errno, std::generic_category()).message());
}

}  // namespace tracestore::tools
