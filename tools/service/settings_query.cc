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
};

}  // namespace

std::span<const Setting> QuerySettings() { return kSettings; }

}  // namespace tracestore::tools
