// Messages of summaries, of api_v3's FindTraceSummaries and storage.v2's.
#pragma once
#include <tracestore/summary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "net/grpc_reply.h"

namespace tracestore::server {

// How a message says a trace's id.
enum class SummaryIds : std::uint8_t { kHex, kBinary };

// They are all in memory, which the query's limit bounds. `next_page`: in the last message; "" is
// none.
net::RawReply StreamSummaries(std::vector<TraceSummary> summaries, SummaryIds ids,
                              std::string next_page);

}  // namespace tracestore::server
