// Spans of the services' own requests.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr unsigned kTraced = kKeeping | kQuery;

constexpr Setting kSettings[] = {
    {.name = "self-tracing.enabled",
     .field = TS_FIELD(self_tracing.on),
     .group = "Self-tracing",
     .help = "Record a span for each request to these ports, but for the admin port",
     .roles = kTraced},
    {.name = "self-tracing.sampling-ratio",
     .field = TS_FIELD(self_tracing.ratio),
     .group = "Self-tracing",
     .help = "Share of the requests to record of which no caller has decided, by traceparent or B3",
     .roles = kTraced,
     .most = 1},
    {.name = "self-tracing.traces-per-second",
     .field = TS_FIELD(self_tracing.per_second),
     .group = "Self-tracing",
     .help = "Of those at most; 0: any number",
     .roles = kTraced},
    {.name = "self-tracing.service-name",
     .field = TS_FIELD(self_tracing.service_name),
     .group = "Self-tracing",
     .help = "Service of those spans; \"\" is tracestore- and the command, tracestore-query",
     .roles = kTraced},
    {.name = "self-tracing.otlp-endpoint",
     .field = TS_FIELD(self_tracing.endpoint),
     .group = "Self-tracing",
     .help =
         "Where they are sent, http://host:4318, by OTLP over HTTP; without it into the pipeline "
         "of the service itself, which query has not",
     .roles = kTraced},
    {.name = "self-tracing.bearer-token-file",
     .field = TS_FIELD(self_tracing.bearer_token_file),
     .group = "Self-tracing",
     .help = "File with the token that is shown there; read again when it changes",
     .roles = kTraced},
    {.name = "self-tracing.tenant",
     .field = TS_FIELD(self_tracing.tenant),
     .group = "Self-tracing",
     .help = "Tenant who is named there, in multi-tenancy.header; \"\": none",
     .roles = kTraced},
    TS_CLIENT_TLS_SETTINGS("self-tracing.tls", self_tracing.tls, "Self-tracing", kTraced),
};

}  // namespace

std::span<const Setting> SelfTracingSettings() { return kSettings; }

}  // namespace tracestore::tools
