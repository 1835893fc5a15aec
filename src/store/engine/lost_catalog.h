// A catalog that knows nothing beside files of a store that had one.
#pragma once
#include <string>
#include <vector>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/catalog/catalog.h"

namespace tracestore::store {

// A writer removes segments that the catalog doesn't name, as left by a crash. Where the catalog
// never had a segment but segments stand, the logs say which it is: where all of them stand from
// the first on, nothing was ever retired, and the segments were never live (a writer was killed
// before its first commit); else the catalog was lost and made anew: kCorruption, and nothing may
// be removed. `view` has all tombstones. Errors also: kIo.
Status CheckNotLost(fs::FileSystem& files, const std::string& directory, const CatalogView& view);

// Adds tombstones at the positions that they have.
Status AddTombstonesAgain(Catalog& catalog, const std::vector<Tombstone>& tombstones);

// For a writer, before it reads logs: where the catalog never had a segment, tombstones that only
// their second copy has are added to it. Either it was lost with its logs still there, or a process
// was killed between the two writes of a delete, which then counts (as does one whose second write
// failed). `view` has all tombstones. Gives whether there were such. Errors: kIo, kUnsupported,
// those of the catalog.
Result<bool> RestoreTombstones(fs::FileSystem& files, const std::string& directory,
                               Catalog& catalog, const CatalogView& view);

}  // namespace tracestore::store
