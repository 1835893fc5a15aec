// Parameters of Zipkin's query API, refused in Zipkin's own words. Pure.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "net/http.h"

namespace tracestore::server {

// GET /api/v2/traces. Names are lower case; "" is absent.
struct ZipkinSearch {
  std::string service;
  std::string remote_service;
  std::string span_name;
  // annotationQuery: key and value of a tag; a value of "" is a bare word, which an annotation's
  // value or a tag's key matches.
  std::map<std::string, std::string> annotations;
  std::optional<std::uint64_t> min_duration_us;
  std::optional<std::uint64_t> max_duration_us;
  std::uint64_t begin_ms = 0;  // Unix milliseconds, both ends inclusive
  std::uint64_t end_ms = 0;
  std::uint32_t limit = 10;  // traces, at least 1
};

// GET /api/v2/dependencies: Unix milliseconds, both ends inclusive.
struct ZipkinWindow {
  std::uint64_t begin_ms = 0;
  std::uint64_t end_ms = 0;
};

// Errors of all: kInvalidArgument; the message is the body of Zipkin's answer with 400.
Result<ZipkinSearch> ParseZipkinSearch(const net::QueryParams& params, std::uint64_t now_ms,
                                       std::uint64_t default_lookback_ms);
Result<ZipkinWindow> ParseZipkinWindow(const net::QueryParams& params,
                                       std::uint64_t default_lookback_ms);
// 1 to 32 lower-case hexadecimal digits, blanks around them cut off.
Result<TraceId> ParseZipkinTraceId(std::string_view text);
// traceIds=a,b: at least two, each once.
Result<std::vector<TraceId>> ParseZipkinTraceIds(const net::QueryParams& params);
// A parameter that has to be there, though it may be empty.
Result<std::string> RequiredZipkinParam(const net::QueryParams& params, const char* name);

}  // namespace tracestore::server
