// The environment of Zipkin's server: what its variables stand for here.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr OtherName kOtherNames[] = {
    {.name = "STORAGE_TYPE", .setting = "span-storage.type", .environment_only = true},
    {.name = "COLLECTOR_SAMPLE_RATE", .setting = "downsampling.ratio", .environment_only = true},
    {.name = "SAMPLING_CONFIG_TYPE", .setting = "sampling.type", .environment_only = true},
    {.name = "JAEGER_LISTEN_HOST", .setting = "host", .environment_only = true},
};

constexpr std::string_view kUnbuilt = "not built yet";
constexpr std::string_view kNoKafka = "receiving from Kafka is not built yet";
constexpr std::string_view kNoRabbit = "receiving from RabbitMQ is not built yet";

constexpr Ignored kIgnored[] = {
    {.name = "MEM_MAX_SPANS",
     .why = "the store is on disk: keep-age and keep-bytes bound it",
     .environment_only = true},
    {.name = "QUERY_PORT", .why = kUnbuilt, .environment_only = true},
    {.name = "STRICT_TRACE_ID", .why = kUnbuilt, .environment_only = true},
    {.name = "KAFKA_BOOTSTRAP_SERVERS", .why = kNoKafka, .environment_only = true},
    {.name = "RABBIT_ADDRESSES", .why = kNoRabbit, .environment_only = true},
    {.name = "RABBIT_URI", .why = kNoRabbit, .environment_only = true},
};

}  // namespace

std::span<const OtherName> ZipkinOtherNames() { return kOtherNames; }
std::span<const Ignored> ZipkinIgnoredNames() { return kIgnored; }

}  // namespace tracestore::tools
