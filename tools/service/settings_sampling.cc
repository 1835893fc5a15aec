// What clients are told of sampling.
#include "service/settings_tables.h"

namespace tracestore::tools {

std::span<const Setting> SamplingSettings() { return {}; }

}  // namespace tracestore::tools
