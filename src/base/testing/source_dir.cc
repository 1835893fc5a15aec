#include "base/testing/source_dir.h"

namespace tracestore::base {

std::string SourceDir() { return TS_SOURCE_DIR; }

}  // namespace tracestore::base
