// CheckNotLost: a catalog that knows nothing beside files of a store that had one.
#pragma once
#include <string>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/catalog/catalog.h"

namespace tracestore::store {

// A writer removes segments that the catalog doesn't name, as left by a crash. Where the catalog
// never had a segment but the files say otherwise (a segment above the first, or one while the first
// log is gone), it was lost and made anew: kCorruption, and nothing may be removed. Errors also: kIo.
Status CheckNotLost(fs::FileSystem& files, const std::string& directory, const CatalogView& view);

}  // namespace tracestore::store
