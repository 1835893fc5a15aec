// The names of a snapshot with counts: services, operations, attribute keys and their values.
//
// Counts are of spans (services, operations) or of single attributes (keys, values; one of a
// resource or scope counts once a span) as they are stored, repeats of a span included. Firehose
// spans are in no index and are not counted here either.
//
// Cost: the posting terms of each segment, no page but those with rows that were deleted and not
// yet compacted away, which are taken out of the counts; the head is walked. Only values of a key
// that has some in no posting list (high cardinality) are read from the pages that have the key.
// Any thread. Errors: kIo, kCorruption.
#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

#include <tracestore/status.h>
#include <tracestore/store.h>

#include "store/engine/snapshot.h"

namespace tracestore::query {

// By name. Spans without a service are not in it.
Result<std::vector<NamedCount>> Services(const store::SnapshotData& data);

// By name, then kind. "" means the operations of all services and of spans without one.
Result<std::vector<OperationInfo>> Operations(const store::SnapshotData& data,
                                              std::string_view service);

// Keys at any level (span, resource, scope, event, link), by name.
Result<std::vector<NamedCount>> Keys(const store::SnapshotData& data);

// Canonical texts of the key's values at any level, most frequent first, then by text. At most
// `limit`; 0 means all. Memory: the distinct values.
Result<std::vector<NamedCount>> Values(const store::SnapshotData& data, std::string_view key,
                                       std::size_t limit);

}  // namespace tracestore::query
