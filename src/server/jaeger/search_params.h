// The parameters of Jaeger's API, read from a request and turned into a Query.
#pragma once
#include <tracestore/ids.h>
#include <tracestore/query.h>
#include <tracestore/status.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace tracestore::server {

// What Jaeger shows as the service of an OTLP span whose resource names none; tracestore's own name
// of it is "". Of a Jaeger client's it is kEmptyServiceName (as_collected.h).
inline constexpr std::string_view kNoServiceName = "OTLPResourceNoServiceName";

// What one span has to have; empty texts and 0 stand for anything.
struct SpanConditions {
  std::string service;
  std::string operation;
  std::int64_t least_ns = 0;  // of the duration
  std::int64_t most_ns = 0;
  std::map<std::string, std::string> tags;  // as Jaeger shows them
};
Expression OnOneSpan(const SpanConditions& conditions);

// GET /api/traces.
struct SearchParams {
  Query query;                     // where trace_ids is empty
  bool nothing_matches = false;    // the range is empty, or the longest duration negative
  std::vector<TraceId> trace_ids;  // traceID=…: these, whatever the rest says
  bool raw = false;
};

// Errors: kInvalidArgument with v1.76's sentence. `now_us` is Unix microseconds, for the defaults:
// the last 48 hours, at most 100 traces. Both ends of the range count, as whole microseconds.
Result<SearchParams> ParseSearch(const net::QueryParams& params, std::uint64_t now_us);

// GET /api/traces/{id}: start and end are hints to Jaeger's storages; here they are only checked.
// Gives raw.
Result<bool> ParseGetTrace(const net::QueryParams& params);

// GET /api/dependencies: endTs and lookback, milliseconds.
Result<TimeRange> ParseDependencies(const net::QueryParams& params, std::uint64_t now_ms);

}  // namespace tracestore::server
