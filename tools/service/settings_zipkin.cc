// The environment of Zipkin's server: what its variables stand for here.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr OtherName kOtherNames[] = {
    {.name = "QUERY_PORT", .setting = "collector.zipkin.host-port", .environment_only = true},
    {.name = "COLLECTOR_HTTP_ENABLED",
     .setting = "collector.zipkin.http-enabled",
     .environment_only = true},
    {.name = "HTTP_COLLECTOR_ENABLED",
     .setting = "collector.zipkin.http-enabled",
     .environment_only = true},
    {.name = "COLLECTOR_GRPC_ENABLED",
     .setting = "collector.zipkin.grpc-enabled",
     .environment_only = true},
    {.name = "COLLECTOR_SAMPLE_RATE",
     .setting = "collector.zipkin.sample-rate",
     .environment_only = true},
    {.name = "ZIPKIN_QUERY_ALLOWED_ORIGINS",
     .setting = "collector.zipkin.allowed-origins",
     .environment_only = true},
    {.name = "QUERY_ENABLED", .setting = "zipkin.query.enabled", .environment_only = true},
    {.name = "SEARCH_ENABLED", .setting = "zipkin.query.search-enabled", .environment_only = true},
    {.name = "STRICT_TRACE_ID", .setting = "zipkin.query.strict-trace-id",
     .environment_only = true},
    {.name = "AUTOCOMPLETE_KEYS", .setting = "zipkin.query.autocomplete-keys",
     .environment_only = true},
    {.name = "QUERY_TIMEOUT", .setting = "zipkin.query.timeout", .environment_only = true},
    {.name = "QUERY_LOOKBACK", .setting = "zipkin.query.lookback", .rule = Rule::kMilliseconds,
     .environment_only = true},
    {.name = "SELF_TRACING_ENABLED", .setting = "self-tracing.enabled", .environment_only = true},
    {.name = "SELF_TRACING_SAMPLE_RATE",
     .setting = "self-tracing.sampling-ratio",
     .environment_only = true},
    {.name = "SELF_TRACING_TRACES_PER_SECOND",
     .setting = "self-tracing.traces-per-second",
     .environment_only = true},
    {.name = "UI_ENABLED", .setting = "zipkin.ui.enabled", .environment_only = true},
    {.name = "ZIPKIN_UI_BASEPATH", .setting = "zipkin.ui.base-path", .environment_only = true},
    {.name = "ZIPKIN_UI_ENVIRONMENT", .setting = "zipkin.ui.environment", .environment_only = true},
    {.name = "ZIPKIN_UI_QUERY_LIMIT", .setting = "zipkin.ui.query-limit", .environment_only = true},
    {.name = "ZIPKIN_UI_DEFAULT_LOOKBACK",
     .setting = "zipkin.ui.default-lookback",
     .rule = Rule::kMilliseconds,
     .environment_only = true},
    {.name = "ZIPKIN_UI_LOGS_URL", .setting = "zipkin.ui.logs-url", .environment_only = true},
    {.name = "ZIPKIN_UI_SUPPORT_URL", .setting = "zipkin.ui.support-url", .environment_only = true},
    {.name = "ZIPKIN_UI_ARCHIVE_POST_URL",
     .setting = "zipkin.ui.archive-post-url",
     .environment_only = true},
    {.name = "ZIPKIN_UI_ARCHIVE_URL", .setting = "zipkin.ui.archive-url", .environment_only = true},
    {.name = "ZIPKIN_UI_DEPENDENCY_ENABLED",
     .setting = "zipkin.ui.dependency.enabled",
     .environment_only = true},
    {.name = "ZIPKIN_UI_DEPENDENCY_LOW_ERROR_RATE",
     .setting = "zipkin.ui.dependency.low-error-rate",
     .environment_only = true},
    {.name = "ZIPKIN_UI_DEPENDENCY_HIGH_ERROR_RATE",
     .setting = "zipkin.ui.dependency.high-error-rate",
     .environment_only = true},
    {.name = "COLLECTOR_SCRIBE_ENABLED",
     .setting = "collector.scribe.host-port",
     .rule = Rule::kFalseIsOff,
     .environment_only = true},
    {.name = "SCRIBE_CATEGORY", .setting = "collector.scribe.category", .environment_only = true},
    {.name = "STORAGE_TYPE", .setting = "span-storage.type", .environment_only = true},
    {.name = "SAMPLING_CONFIG_TYPE", .setting = "sampling.type", .environment_only = true},
    {.name = "JAEGER_LISTEN_HOST", .setting = "host", .environment_only = true},
};

constexpr std::string_view kNoKafka = "receiving from Kafka is not built yet";
constexpr std::string_view kNoRabbit = "receiving from RabbitMQ is not built yet";

constexpr Ignored kIgnored[] = {
    {.name = "MEM_MAX_SPANS",
     .why = "the store is on disk: keep-age and keep-bytes bound it",
     .environment_only = true},
    {.name = "AUTOCOMPLETE_TTL",
     .why = "values are read when they are asked for",
     .environment_only = true},
    {.name = "SELF_TRACING_FLUSH_INTERVAL",
     .why = "spans of own requests are written each second",
     .environment_only = true},
    {.name = "KAFKA_TOPIC", .why = kNoKafka, .environment_only = true},
    {.name = "KAFKA_GROUP_ID", .why = kNoKafka, .environment_only = true},
    {.name = "COLLECTOR_KAFKA_ENABLED", .why = kNoKafka, .environment_only = true},
    {.name = "KAFKA_BOOTSTRAP_SERVERS", .why = kNoKafka, .environment_only = true},
    {.name = "RABBIT_ADDRESSES", .why = kNoRabbit, .environment_only = true},
    {.name = "RABBIT_URI", .why = kNoRabbit, .environment_only = true},
};

}  // namespace

std::span<const OtherName> ZipkinOtherNames() { return kOtherNames; }
std::span<const Ignored> ZipkinIgnoredNames() { return kIgnored; }

}  // namespace tracestore::tools
