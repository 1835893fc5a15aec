// Where spans are sent on to.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr unsigned kForwarding = kCollector | kAgent;
constexpr double kDay = 86'400;
constexpr double kGiB = 1024.0 * 1024 * 1024;

constexpr Setting kSettings[] = {
    {.name = "reporter.type",
     .field = TS_FIELD(forward.type),
     .group = "Forwarding",
     .help = "Protocol by which spans are sent on to other collectors; a collector with "
             "none stores them",
     .roles = kForwarding,
     .choices = "none|grpc|otlp-grpc|otlp-http|tchannel",
     .jaegers = true},
    {.name = "reporter.grpc.host-port",
     .field = TS_FIELD(forward.grpc_collectors),
     .group = "Forwarding",
     .help = "Jaeger collectors by gRPC; several with commas, used in turn",
     .roles = kForwarding,
     .jaegers = true},
    {.name = "reporter.otlp.host-port",
     .field = TS_FIELD(forward.otlp_collectors),
     .group = "Forwarding",
     .help = "OTLP collectors, for HTTP also URLs; several with commas, used in turn",
     .roles = kForwarding},
    {.name = "reporter.buffer.directory",
     .field = TS_FIELD(forward.buffer_directory),
     .group = "Forwarding",
     .help = "Where spans wait for collectors that are away; without it in memory",
     .roles = kForwarding},
    {.name = "reporter.buffer.max-bytes",
     .field = TS_FIELD(forward.buffer_bytes),
     .group = "Forwarding",
     .help = "Of all that waits",
     .roles = kForwarding,
     .least = 1024.0 * 1024,
     .most = 1024 * kGiB,
     .unit = Unit::kBytes},
    {.name = "reporter.buffer.sync",
     .field = TS_FIELD(forward.buffer_sync),
     .group = "Forwarding",
     .help = "Sync the buffer's files before each acknowledgement: survives a power cut",
     .roles = kForwarding},
    {.name = "reporter.batch.spans",
     .field = TS_FIELD(forward.batch_spans),
     .group = "Forwarding",
     .help = "Spans after which a message is sent",
     .roles = kForwarding,
     .least = 1,
     .most = 100'000},
    {.name = "reporter.batch.wait",
     .field = TS_FIELD(forward.batch_wait),
     .group = "Forwarding",
     .help = "How long a span waits for others to fill a message",
     .roles = kForwarding,
     .most = 60},
    {.name = "reporter.queue.workers",
     .field = TS_FIELD(forward.workers),
     .group = "Forwarding",
     .help = "Messages under way at a time",
     .roles = kForwarding,
     .least = 1,
     .most = 256,
     .jaegers = true},
    {.name = "reporter.max-retry-interval",
     .field = TS_FIELD(forward.max_retry_interval),
     .group = "Forwarding",
     .help = "The longest rest of a collector that failed",
     .roles = kForwarding,
     .least = 0.1,
     .most = kDay,
     .jaegers = true},
    {.name = "baggage.restrictions-file",
     .field = TS_FIELD(sampling.baggage_file),
     .group = "Sampling",
     .help = "What /baggageRestrictions answers, as JSON; read again on SIGHUP"},
};

}  // namespace

std::span<const Setting> ForwardSettings() { return kSettings; }

}  // namespace tracestore::tools
