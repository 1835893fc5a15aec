// Names and values of tags, as Tempo offers them.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <tracestore/store.h>

#include "server/tempo/tempo_answers.h"
#include "server/tempo/tempo_params.h"

namespace tracestore::server {

// By scope, names sorted; a scope without any is left out. `most`: of a scope, 0 is no bound.
Result<TempoScopeNames> TempoNames(const Snapshot& snapshot, const TempoScopes& scopes,
                                   TimeRange starts, std::size_t most);

// Of a tag with its scope. At most `most` (0: as many as ValueBounds has). By type and text.
Result<TempoValues> TempoValuesOf(const Snapshot& snapshot, const TempoTag& tag, TimeRange starts,
                                  std::size_t most);

// Of a tag without its scope, sorted.
Result<std::vector<std::string>> TempoTextsOf(const Snapshot& snapshot, const std::string& tag,
                                              TimeRange starts, std::size_t most);

}  // namespace tracestore::server
