// Messages of summaries, of api_v3's FindTraceSummaries and storage.v2's.
#pragma once
#include <tracestore/query.h>

#include <cstdint>

#include "net/grpc_server.h"
#include "server/jaeger/query_source.h"

namespace tracestore::server {

// Whose message: api_v3 says a trace's id as hex; storage.v2 as bytes, and in the last message what
// the next page begins with.
enum class SummaryForm : std::uint8_t { kQuery, kStorage };

// What `query` finds, one message in memory at a time, each within the search's deadline.
net::RawReply StreamSummaries(const JaegerQuerySource& source, const net::RawRequest& request,
                              Query query, SummaryForm form, std::string_view what);

}  // namespace tracestore::server
