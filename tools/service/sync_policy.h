// The setting `sync` as the store takes it.
#pragma once
#include <tracestore/store.h>

#include <string>

namespace tracestore::tools {

inline SyncPolicy SyncOf(const std::string& name) {
  if (name == "full") return SyncPolicy::kFull;
  return name == "off" ? SyncPolicy::kOff : SyncPolicy::kInterval;
}

}  // namespace tracestore::tools
