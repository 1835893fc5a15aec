// Parameters of Jaeger's API v3, read from a request and turned into a Query.
#pragma once
#include <tracestore/ids.h>
#include <tracestore/query.h>
#include <tracestore/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace tracestore::server {

// "2026-11-22T18:59:20.5Z" and with an offset, in Unix nanoseconds.
// Errors: kInvalidArgument, `parsing time "x": …`; also for times before 1970 and after 2554.
Result<std::uint64_t> ParseRfc3339(std::string_view text);

// GET /api/v3/traces and trace-summaries. Names come in snake_case and in camelCase.
struct V3Search {
  Query query;
  bool raw = false;
};
// Errors: kInvalidArgument with the sentence for the answer.
Result<V3Search> ParseV3Search(const net::QueryParams& params);

// GET /api/v3/traces/{trace_id}: start and end are hints to Jaeger's storages; here they are only
// checked. Gives raw.
Result<bool> ParseV3GetTrace(const net::QueryParams& params);
// `malformed parameter trace_id: …`.
Result<TraceId> ParseV3TraceId(std::string_view text);

// GET /api/v3/dependencies: start_time and end_time, both required.
Result<TimeRange> ParseV3Dependencies(const net::QueryParams& params);

// A parameter by its name in snake_case, or that in camelCase: "query.service_name" is
// "query.serviceName" too. "" where there is none.
std::string_view V3Text(const net::QueryParams& params, std::string_view snake);

}  // namespace tracestore::server
