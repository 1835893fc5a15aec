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
    {.name = "collector.zipkin.host-port",
     .field = TS_FIELD(zipkin.address),
     .group = "Zipkin",
     .help = "Zipkin over HTTP, /api/v1/spans and /api/v2/spans, and gRPC on the same port",
     .roles = kStoring,
     .jaegers = true},
    {.name = "collector.zipkin.allowed-origins",
     .field = TS_FIELD(zipkin.allowed_origins),
     .group = "Zipkin",
     .help = "Origins whose web pages may send spans to Zipkin's port and ask there; * means all",
     .roles = kStoring | kQuery,
     .jaegers = true},
    {.name = "collector.zipkin.http-enabled",
     .field = TS_FIELD(zipkin.http),
     .group = "Zipkin",
     .help = "Take spans over HTTP; else POSTs are not found",
     .roles = kStoring},
    {.name = "collector.zipkin.grpc-enabled",
     .field = TS_FIELD(zipkin.grpc),
     .group = "Zipkin",
     .help = "Take spans over gRPC, zipkin.proto3.SpanService/Report",
     .roles = kStoring},
    {.name = "collector.zipkin.sample-rate",
     .field = TS_FIELD(zipkin.sample_rate),
     .group = "Zipkin",
     .help = "Share of the traces that come as Zipkin's to keep, by Zipkin's rule",
     .roles = kStoring,
     .least = 0,
     .most = 1},
    {.name = "collector.scribe.host-port",
     .field = TS_FIELD(zipkin.scribe),
     .group = "Zipkin",
     .help = "Scribe, framed Thrift",
     .roles = kStoring},
    {.name = "collector.scribe.category",
     .field = TS_FIELD(zipkin.scribe_category),
     .group = "Zipkin",
     .help = "The category whose messages are spans",
     .roles = kStoring},
};

}  // namespace

std::span<const Setting> CollectorSettings() { return kSettings; }

}  // namespace tracestore::tools
