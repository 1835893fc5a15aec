// Jaeger's query API.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr Setting kSettings[] = {
    {.name = "query.host-port",
     .field = TS_FIELD(query.http),
     .group = "Query",
     .help = "Jaeger's query API, /api/…",
     .roles = kAllInOne,
     .jaegers = true},
    {.name = "query.base-path",
     .field = TS_FIELD(query.base_path),
     .group = "Query",
     .help = "Path before all of the API's, for a reverse proxy that doesn't cut it off",
     .roles = kAllInOne,
     .jaegers = true},
    {.name = "query.additional-headers",
     .field = TS_FIELD(query.additional_headers),
     .group = "Query",
     .help = "Headers of every answer, \"Name: value\"",
     .roles = kAllInOne,
     .jaegers = true},
    {.name = "query.max-clock-skew-adjustment",
     .field = TS_FIELD(query.max_clock_skew),
     .group = "Query",
     .help =
         "By how much a span may be moved for the clock of its host; 0s: none is, with a warning",
     .roles = kAllInOne,
     .most = 366.0 * 86'400,
     .jaegers = true},
    {.name = "zipkin.query.enabled",
     .field = TS_FIELD(zipkin.query.on),
     .group = "Zipkin query",
     .help = "Zipkin's query API on collector.zipkin.host-port, GET /api/v2/…",
     .roles = kAllInOne},
    {.name = "zipkin.query.search-enabled",
     .field = TS_FIELD(zipkin.query.search),
     .group = "Zipkin query",
     .help = "false: names and searches are empty, traces are found by id alone",
     .roles = kAllInOne},
    {.name = "zipkin.query.strict-trace-id",
     .field = TS_FIELD(zipkin.query.strict_trace_id),
     .group = "Zipkin query",
     .help = "false: trace ids are equal where their low 64 bits are",
     .roles = kAllInOne},
    {.name = "zipkin.query.autocomplete-keys",
     .field = TS_FIELD(zipkin.query.autocomplete_keys),
     .group = "Zipkin query",
     .help = "Tags whose values are offered",
     .roles = kAllInOne},
    {.name = "zipkin.query.timeout",
     .field = TS_FIELD(zipkin.query.timeout),
     .group = "Zipkin query",
     .help = "After which a request is given up with 500",
     .roles = kAllInOne,
     .least = 0.001,
     .most = 86'400},
    {.name = "zipkin.query.lookback",
     .field = TS_FIELD(zipkin.query.lookback),
     .group = "Zipkin query",
     .help = "How far back a search looks that doesn't say so",
     .roles = kAllInOne,
     .least = 0.001,
     .most = 366.0 * 86'400},
};

}  // namespace

std::span<const Setting> QuerySettings() { return kSettings; }

}  // namespace tracestore::tools
