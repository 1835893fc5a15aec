// Where spans come in.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr Setting kSettings[] = {
    {.name = "collector.otlp.grpc.host-port",
     .field = TS_FIELD(otlp.grpc),
     .group = "OTLP",
     .help = "OTLP over gRPC",
     .roles = kStoring,
     .jaegers = true},
    {.name = "collector.otlp.http.host-port",
     .field = TS_FIELD(otlp.http),
     .group = "OTLP",
     .help = "OTLP over HTTP, /v1/traces",
     .roles = kStoring,
     .jaegers = true},
    {.name = "collector.otlp.http.cors.allowed-origins",
     .field = TS_FIELD(otlp.cors_origins),
     .group = "OTLP",
     .help = "Origins whose web pages may send spans over HTTP; * means all",
     .roles = kStoring,
     .jaegers = true},
};

}  // namespace

std::span<const Setting> CollectorSettings() { return kSettings; }

}  // namespace tracestore::tools
