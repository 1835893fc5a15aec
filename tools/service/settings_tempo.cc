// Grafana Tempo's query API.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr Setting kSettings[] = {
    {.name = "tempo.host-port",
     .field = TS_FIELD(tempo.http),
     .group = "Tempo query",
     .help = "Tempo's query API, for Grafana's data source of type Tempo",
     .roles = kReading},
    {.name = "tempo.timeout",
     .field = TS_FIELD(tempo.timeout),
     .group = "Tempo query",
     .help = "After which a request is given up with 504",
     .roles = kReading,
     .least = 0.001,
     .most = 86'400},
};

}  // namespace

std::span<const Setting> TempoSettings() { return kSettings; }

}  // namespace tracestore::tools
