// Names of Jaeger 1.16 to 1.19 that are not our settings' own: what they stand for here.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr OtherName kOtherNames[] = {
    {.name = "reporter.grpc.tls", .setting = "reporter.grpc.tls.enabled"},
    {.name = "collector.host-port", .setting = "reporter.tchannel.host-port"},
    {.name = "discovery.conn-check-timeout",
     .setting = "reporter.tchannel.discovery.conn-check-timeout"},
    {.name = "collector.zipkin.http-port",
     .setting = "collector.zipkin.host-port",
     .rule = Rule::kZeroIsUnset},
    {.name = "admin-http-port", .setting = "admin.http.host-port", .rule = Rule::kZeroIsUnset},
    {.name = "health-check-http-port",
     .setting = "admin.http.host-port",
     .rule = Rule::kZeroIsUnset},
    // As a variable QUERY_PORT is Zipkin's.
    {.name = "query.port",
     .setting = "query.host-port",
     .rule = Rule::kZeroIsUnset,
     .jaegers = false},
    {.name = "query.http-server.host-port", .setting = "query.host-port"},
    {.name = "jaeger.tags", .setting = "agent.tags"},
    {.name = "collector.grpc.tls", .setting = "collector.grpc.tls.enabled"},
    {.name = "collector.grpc.tls.client.ca",
     .setting = "collector.grpc.tls.client-ca",
     .rule = Rule::kEmptyIsUnset},
    {.name = "collector.grpc-server.max-message-length", .setting = "listeners.max-message-bytes"},
    {.name = "collector.grpc-port",
     .setting = "collector.grpc-server.host-port",
     .rule = Rule::kZeroIsUnset},
    {.name = "collector.http-port",
     .setting = "collector.http-server.host-port",
     .rule = Rule::kZeroIsUnset},
    // Of Jaeger's own remote-storage.
    {.name = "grpc.host-port", .setting = "remote-storage.host-port"},
    {.name = "collector.port",
     .setting = "collector.tchan-server.host-port",
     .rule = Rule::kZeroIsUnset},
    {.name = "badger.directory-value", .setting = "data"},
    {.name = "badger.span-store-ttl", .setting = "keep-age"},
};

constexpr std::string_view kNoQueue =
    "a span is written before it is acknowledged: there is no queue and no pool behind it";
constexpr std::string_view kOwnConnections = "all collectors that are named are used in turn";
constexpr std::string_view kBadger = "the embedded store is no Badger";

constexpr Ignored kIgnored[] = {
    {.name = "metrics-backend", .why = "metrics are always served, in Prometheus' format"},
    {.name = "collector.num-workers", .why = kNoQueue},
    {.name = "collector.queue-size", .why = kNoQueue},
    {.name = "collector.queue-size-memory", .why = kNoQueue},
    {.name = "downsampling.hashsalt",
     .why = "whole traces are dropped by their id, alike in every collector"},
    {.name = "memory.max-traces", .why = "the store is on disk: keep-age and keep-bytes bound it"},
    {.name = "badger.directory-key", .why = kBadger},
    {.name = "badger.ephemeral",
     .why = "without data the store is a temporary one",
     .is_switch = true},
    {.name = "badger.consistency", .why = "sync says it here", .is_switch = true},
    {.name = "badger.maintenance-interval", .why = kBadger},
    {.name = "badger.metrics-update-interval", .why = kBadger},
    {.name = "badger.read-only", .why = kBadger, .is_switch = true},
    {.name = "badger.truncate", .why = kBadger, .is_switch = true},
    {.name = "query.bearer-token-propagation",
     .why = "the embedded store takes no token",
     .is_switch = true},
    {.name = "processor.jaeger-binary.workers", .why = kNoQueue},
    {.name = "processor.jaeger-compact.workers", .why = kNoQueue},
    {.name = "processor.zipkin-compact.workers", .why = kNoQueue},
    {.name = "reporter.grpc.retry.max", .why = "spans are sent again until a collector takes them"},
    {.name = "reporter.grpc.discovery.min-peers", .why = kOwnConnections},
    {.name = "reporter.tchannel.discovery.min-peers", .why = kOwnConnections},
    {.name = "discovery.min-peers", .why = kOwnConnections},
    {.name = "DEPENDENCY_STORAGE_TYPE",
     .why = "links between services are counted from the spans",
     .environment_only = true},
};

}  // namespace

std::span<const OtherName> JaegerOtherNames() { return kOtherNames; }
std::span<const Ignored> JaegerIgnoredNames() { return kIgnored; }

}  // namespace tracestore::tools
