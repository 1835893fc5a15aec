// TLS of the listeners, and what every one is bound by.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr double kDay = 86'400;
constexpr double kMostBytes = 2'147'483'648;  // gRPC's own bound of a message

// The settings of one listener; `bare`: Jaeger has the same names.
#define TS_TLS_SETTINGS(prefix, member, who, bare)                                            \
  {.name = prefix ".enabled",                                                                 \
   .field = TS_FIELD(tls.member.enabled),                                                     \
   .group = "TLS",                                                                            \
   .help = "TLS on " who,                                                                     \
   .roles = kRoles_##member,                                                                  \
   .jaegers = bare},                                                                          \
      {.name = prefix ".cert",                                                                \
       .field = TS_FIELD(tls.member.cert_file),                                               \
       .group = "TLS",                                                                        \
       .help = "Its certificate, PEM; taken anew when the file changes",                      \
       .roles = kRoles_##member,                                                              \
       .jaegers = bare},                                                                      \
      {.name = prefix ".key",                                                                 \
       .field = TS_FIELD(tls.member.key_file),                                                \
       .group = "TLS",                                                                        \
       .help = "Its private key, PEM",                                                        \
       .roles = kRoles_##member,                                                              \
       .jaegers = bare},                                                                      \
      {.name = prefix ".client-ca",                                                           \
       .field = TS_FIELD(tls.member.client_ca_file),                                          \
       .group = "TLS",                                                                        \
       .help = "If set, clients must show a certificate that one of these signed",            \
       .roles = kRoles_##member,                                                              \
       .jaegers = bare},                                                                      \
      {.name = prefix ".min-version",                                                         \
       .field = TS_FIELD(tls.member.min_version),                                             \
       .group = "TLS",                                                                        \
       .help = "Least version of TLS",                                                        \
       .roles = kRoles_##member,                                                              \
       .choices = "1.0|1.1|1.2|1.3",                                                          \
       .jaegers = bare},                                                                      \
  {                                                                                           \
    .name = prefix ".max-version", .field = TS_FIELD(tls.member.max_version), .group = "TLS", \
    .help = "Greatest version of TLS; \"\" is the newest", .roles = kRoles_##member,          \
    .jaegers = bare                                                                           \
  }

constexpr unsigned kRoles_otlp_grpc = kStoring;
constexpr unsigned kRoles_otlp_http = kStoring;
constexpr unsigned kRoles_jaeger_grpc = kStoring;
constexpr unsigned kRoles_jaeger_http = kStoring;
constexpr unsigned kRoles_jaeger_tchannel = kStoring;
constexpr unsigned kRoles_zipkin = kStoring;
constexpr unsigned kRoles_scribe = kStoring;
constexpr unsigned kRoles_sampling_http = kTaking;
constexpr unsigned kRoles_sampling_grpc = kTaking;
constexpr unsigned kRoles_query = kReading;
constexpr unsigned kRoles_query_grpc = kReading;
constexpr unsigned kRoles_query_zipkin = kQuery;
constexpr unsigned kRoles_remote_storage = kAllInOne | kRemoteStorage;
constexpr unsigned kRoles_tempo = kReading;
constexpr unsigned kRoles_admin = kEvery;

constexpr Setting kSettings[] = {
    {.name = "auth.file",
     .field = TS_FIELD(auth.file),
     .group = "Authentication",
     .help = "Users and tokens with their hashes; who shows none of them is refused (tracestore "
             "credential)"},
    {.name = "auth.except",
     .field = TS_FIELD(auth.except),
     .group = "Authentication",
     .help = "Listeners that anybody may speak to all the same, by their names in ports-file"},
    {.name = "listeners.max-message-bytes",
     .field = TS_FIELD(limits.max_message_bytes),
     .group = "Limits of listeners",
     .help = "Of one HTTP body or gRPC message, as sent and again decompressed",
     .least = 1024,
     .most = kMostBytes,
     .unit = Unit::kBytes},
    {.name = "listeners.max-bytes-in-flight",
     .field = TS_FIELD(limits.max_bytes_in_flight),
     .group = "Limits of listeners",
     .help =
         "Of all messages that one listener reads or answers; beyond it clients are told to come "
         "again",
     .least = 1024,
     .most = 1'099'511'627'776,
     .unit = Unit::kBytes},
    {.name = "listeners.max-connections",
     .field = TS_FIELD(limits.max_connections),
     .group = "Limits of listeners",
     .help = "Open connections of one listener; at the cap the one idle longest is closed",
     .least = 1,
     .most = 1'000'000},
    {.name = "listeners.read-timeout",
     .field = TS_FIELD(limits.read_timeout),
     .group = "Limits of listeners",
     .help = "In which a request's header must come, and each further 64 KiB of its body; of gRPC "
             "the handshake",
     .least = 0.01,
     .most = kDay},
    {.name = "listeners.idle-timeout",
     .field = TS_FIELD(limits.idle_timeout),
     .group = "Limits of listeners",
     .help = "How long an HTTP or gRPC connection may wait for a request",
     .least = 0.01,
     .most = kDay},
    {.name = "listeners.write-timeout",
     .field = TS_FIELD(limits.write_timeout),
     .group = "Limits of listeners",
     .help = "In which a client must take each 256 KiB of an answer; of gRPC send a message, or "
             "take one, whole, if read-timeout isn't longer",
     .least = 0.01,
     .most = kDay},
    TS_TLS_SETTINGS("collector.otlp.grpc.tls", otlp_grpc, "OTLP over gRPC", true),
    TS_TLS_SETTINGS("collector.otlp.http.tls", otlp_http, "OTLP over HTTP", true),
    TS_TLS_SETTINGS("collector.grpc.tls", jaeger_grpc, "Jaeger's gRPC port", true),
    TS_TLS_SETTINGS("collector.http.tls", jaeger_http, "Jaeger's HTTP port", true),
    TS_TLS_SETTINGS("collector.tchan-server.tls", jaeger_tchannel, "TChannel's port", false),
    TS_TLS_SETTINGS("collector.zipkin.tls", zipkin, "Zipkin's port", true),
    {.name = "collector.zipkin.tls.key-store",
     .field = TS_FIELD(tls.zipkin.key_store_file),
     .group = "TLS",
     .help = "In place of certificate and key: a PKCS 12 key store with both",
     .roles = kRoles_zipkin},
    {.name = "collector.zipkin.tls.key-store-password",
     .field = TS_FIELD(tls.zipkin.key_store_password),
     .group = "TLS",
     .help = "Of the key store",
     .roles = kRoles_zipkin,
     .secret = true},
    TS_TLS_SETTINGS("collector.scribe.tls", scribe, "Scribe's port", false),
    TS_TLS_SETTINGS("http-server.tls", sampling_http, "the agent's HTTP port", false),
    TS_TLS_SETTINGS("sampling.grpc.tls", sampling_grpc, "sampling over gRPC", false),
    TS_TLS_SETTINGS("query.http.tls", query, "the query API", true),
    TS_TLS_SETTINGS("query.grpc.tls", query_grpc, "the query API over gRPC", true),
    TS_TLS_SETTINGS("query.zipkin.tls", query_zipkin, "Zipkin's port of query", false),
    TS_TLS_SETTINGS("remote-storage.tls", remote_storage, "the storage for Jaeger", false),
    TS_TLS_SETTINGS("tempo.tls", tempo, "Tempo's query API", false),
    TS_TLS_SETTINGS("admin.http.tls", admin, "the admin port", false),
};

#undef TS_TLS_SETTINGS

}  // namespace

std::span<const Setting> SecuritySettings() { return kSettings; }

}  // namespace tracestore::tools
