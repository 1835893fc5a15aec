// What every service has, and the store.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr Setting kSettings[] = {
    {.name = "host",
     .field = TS_FIELD(host),
     .group = "Service",
     .help = "Host of all listeners that name none; \"\" means all interfaces"},
    {.name = "admin.http.host-port",
     .field = TS_FIELD(admin.http),
     .group = "Service",
     .help = "Health at /, metrics, version",
     .jaegers = true},
    {.name = "metrics-http-route",
     .field = TS_FIELD(admin.metrics_route),
     .group = "Service",
     .help = "Path of the metrics on the admin port",
     .jaegers = true},
    {.name = "ports-file",
     .field = TS_FIELD(ports_file),
     .group = "Service",
     .help = "File to write all ports to, as JSON, once they are open"},
    {.name = "log-level",
     .field = TS_FIELD(log_level),
     .group = "Service",
     .help = "Least level that is logged",
     .choices = "debug|info|warn|error|dpanic|panic|fatal",
     .jaegers = true},
    {.name = "stop-grace",
     .field = TS_FIELD(stop_grace),
     .group = "Service",
     .help = "How long requests in flight may take when the service is told to stop",
     .most = 3600},
    {.name = "data",
     .field = TS_FIELD(store.data),
     .group = "Store",
     .help =
         "Directory of the store, made when missing; without it a temporary one, removed at exit. "
         "Of query that of a collector, which it reads",
     .roles = kKeeping | kQuery},
    {.name = "span-storage.type",
     .field = TS_FIELD(store.type),
     .group = "Store",
     .help = "Where spans are kept: embedded, which memory, badger and mem name too",
     .roles = kKeeping | kQuery,
     .jaegers = true},
    {.name = "sync",
     .field = TS_FIELD(store.sync),
     .group = "Store",
     .help = "When acknowledged spans are on the medium: before the answer, each second, or when "
             "the system likes",
     .roles = kKeeping,
     .choices = "full|interval|off"},
    {.name = "keep-age",
     .field = TS_FIELD(store.keep_age),
     .group = "Store",
     .help = "Drop what is older, by whole segments of about a day; 0s keeps all",
     .roles = kKeeping,
     .most = 36'500.0 * 86'400},
    {.name = "keep-bytes",
     .field = TS_FIELD(store.keep_bytes),
     .group = "Store",
     .help = "Drop the oldest segments while their files have more bytes; 0 keeps all",
     .roles = kKeeping,
     .unit = Unit::kBytes},
    {.name = "archive.keep-age",
     .field = TS_FIELD(archive.keep_age),
     .group = "Store",
     .help = "Drop what was archived longer ago, by whole segments; 0s keeps all",
     .roles = kAnswering,
     .most = 36'500.0 * 86'400},
    {.name = "archive.keep-bytes",
     .field = TS_FIELD(archive.keep_bytes),
     .group = "Store",
     .help = "Drop the archive's oldest segments while their files have more bytes; 0 keeps all",
     .roles = kAnswering,
     .unit = Unit::kBytes},
    {.name = "query-memory",
     .field = TS_FIELD(store.query_memory_bytes),
     .group = "Store",
     .help = "Memory for what queries keep from one to the next; 0 keeps nothing",
     .roles = kKeeping | kQuery,
     .most = 1024.0 * 1024 * 1024 * 1024,
     .unit = Unit::kBytes},
};

constexpr OtherName kOtherNames[] = {
    {.name = "admin-port", .setting = "admin.http.host-port", .jaegers = false},
    {.name = "otlp-grpc-port", .setting = "collector.otlp.grpc.host-port", .jaegers = false},
    {.name = "otlp-http-port", .setting = "collector.otlp.http.host-port", .jaegers = false},
    {.name = "query-port", .setting = "query.host-port", .jaegers = false},
    {.name = "cors-origin",
     .setting = "collector.otlp.http.cors.allowed-origins",
     .jaegers = false},
};

}  // namespace

std::span<const Setting> GeneralSettings() { return kSettings; }
std::span<const OtherName> OwnOtherNames() { return kOtherNames; }

}  // namespace tracestore::tools
