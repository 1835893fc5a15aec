// Parameters of Tempo's query API, refused in Tempo's own words. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/query.h>
#include <tracestore/status.h>

#include "net/http.h"
#include "query/tags.h"

namespace tracestore::server {

// GET /api/search.
struct TempoSearch {
  std::vector<std::pair<std::string, std::string>> tags;  // all have to be met
  std::uint64_t min_duration_ns = 0;  // of the trace; 0: no bound
  std::uint64_t max_duration_ns = 0;
  TimeRange starts;                   // of spans
  std::uint32_t limit = 20;           // traces, at least 1
  std::uint32_t spans_per_set = 3;
  bool by_query = false;              // q={}: found traces are told with spans
};

// What is fixed and what is read of the fields that TraceQL calls intrinsic.
enum class TempoIntrinsic : std::uint8_t {
  kName, kStatus, kStatusMessage, kKind, kRootName, kRootService, kEventName, kScopeName,
  kScopeVersion,
  kUncounted,  // durations and ids: no values are offered
};

// A tag whose values are asked for.
struct TempoTag {
  std::optional<TempoIntrinsic> intrinsic;
  std::string key;                                // without an intrinsic
  query::LevelSet levels = query::kOnAny;
};

// Tempo's names of the levels that attributes stand at, in the order of its answers.
struct TempoLevel {
  const char* name;
  query::LevelSet level;
};
inline constexpr TempoLevel kTempoLevels[] = {{"event", query::kOnEvent},
                                              {"instrumentation", query::kOnScope},
                                              {"link", query::kOnLink},
                                              {"resource", query::kOnResource},
                                              {"span", query::kOnSpan}};

// Which names are asked for.
struct TempoScopes {
  query::LevelSet levels = query::kOnAny;
  bool intrinsic = true;
};

// Errors of all: kInvalidArgument; the message is the body of Tempo's answer with 400. Of q=, where
// it says something: kUnsupported.
Result<TempoSearch> ParseTempoSearch(const net::QueryParams& params);
// start and end, in whole seconds, both included. Without them all of time.
Result<TimeRange> ParseTempoRange(const net::QueryParams& params);
// Those of a trace by id, which say where to look and are only checked here; and its q.
Status CheckTempoTraceParams(const net::QueryParams& params);
// 1 to 32 hexadecimal digits.
Result<TraceId> ParseTempoTraceId(std::string_view text);
Result<TempoScopes> ParseTempoScope(const net::QueryParams& params);
// "span.http.url", ".x", "resource.\"a b\"", "status".
Result<TempoTag> ParseTempoTag(std::string_view text);
// limit: 0 is none. `strict`: refused where it is no number, else 0 then.
Result<std::size_t> ParseTempoNameLimit(const net::QueryParams& params, bool strict);

// The intrinsic names that are offered, sorted.
const std::vector<std::string>& TempoIntrinsicNames();

}  // namespace tracestore::server
