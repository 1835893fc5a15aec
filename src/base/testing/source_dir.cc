#include "base/testing/source_dir.h"

#include <cstdlib>
#include <iostream>

namespace tracestore::base {

std::string SourceDir() { return TS_SOURCE_DIR; }

std::filesystem::path SharedData() {
  const char* const said = std::getenv("TRACESTORE_SHARED_DATA");
  if (said != nullptr) return said;
  return std::filesystem::path(SourceDir()).parent_path() / "shared" / "data";
}

bool SharedDataIsThere() {
  if (std::filesystem::exists(SharedData())) return true;
  std::cout << "not run: no real data at " << SharedData()
            << "; TRACESTORE_SHARED_DATA says where it is\n";
  return false;
}

}  // namespace tracestore::base
