// Copying traces to an archive that is open already; Store::Archive opens its own. Private to the
// project.
#pragma once
#include <tracestore/store.h>

#include <functional>
#include <vector>

namespace tracestore {

// As Store::Archive, of the traces of `from`. `archive_of` gives the store to append to; it is
// called once, where there is something to put into it.
Result<ArchiveResult> CopyTraces(const Snapshot& from, std::vector<TraceId> ids,
                                 const std::function<Result<Store*>()>& archive_of);

}  // namespace tracestore
