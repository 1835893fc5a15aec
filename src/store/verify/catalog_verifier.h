// VerifyCatalog: what the catalog says against the segments that it names, and those against each
// other (docs/format/catalog.md).
#pragma once
#include <map>
#include <memory>
#include <string>

#include <tracestore/status.h>

#include "store/catalog/catalog.h"
#include "store/segment/segment_reader.h"
#include "store/verify/verify_run.h"

namespace tracestore::store {

// The segments of `view` that could be opened. `view` has all straddlers and tombstones.
// `catalog_path`: for findings. Errors: kCancelled.
Status VerifyCatalog(const CatalogView& view,
                     const std::map<SegmentId, std::shared_ptr<const SegmentReader>>& open,
                     const std::string& catalog_path, VerifyRun& run);

}  // namespace tracestore::store
