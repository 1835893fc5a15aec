// ServiceConfig: what a service is told, as plain values; a section a concern. Where the values
// come from (flags, environment, file) it doesn't know: settings.h binds names to these fields.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/tls.h"
#include "sampling/adaptive/adaptive_options.h"

namespace tracestore::tools {

// The services; bits, so that a setting can say which of them take it.
enum Role : unsigned {
  kAllInOne = 1,
  kCollector = 2,
  kAgent = 4,
  kQuery = 8,
  kRemoteStorage = 16,
};

// Where a listener listens, or that it doesn't.
struct ListenAddress {
  bool on = true;
  std::optional<std::string> host;  // unset: ServiceConfig::host; "": all interfaces
  std::uint16_t port = 0;           // 0: a free one

  bool operator==(const ListenAddress&) const = default;
};

// A listener on the common host.
inline ListenAddress OnPort(std::uint16_t port) { return {true, std::nullopt, port}; }

// A part of the configuration that is no single value: YAML as it was written, for the room that
// knows what it means.
struct StructuredText {
  std::string yaml;   // "": none
  std::string where;  // "config.yaml:12", for its errors

  bool operator==(const StructuredText& other) const { return yaml == other.yaml; }
};

struct StoreSection {
  std::string data;                      // directory; "": a temporary one, removed at exit
  std::string type = "embedded";         // or what Jaeger and Zipkin call so
  std::string sync = "interval";         // full, interval, off
  std::chrono::nanoseconds keep_age{0};  // 0: for good
  std::uint64_t keep_bytes = 0;          // 0: any number
  std::uint64_t query_memory_bytes = 128ULL << 20;  // as StoreOptions; 0: nothing is kept
};

// The store beside a store to which traces are copied.
struct ArchiveSection {
  std::chrono::nanoseconds keep_age{0};  // 0: for good
  std::uint64_t keep_bytes = 0;          // 0: any number
};

struct OtlpSection {
  ListenAddress grpc = OnPort(4317);
  ListenAddress http = OnPort(4318);
  std::vector<std::string> cors_origins;  // whose pages may send spans over HTTP
};

// A listener of Jaeger's agent.
struct UdpSection {
  ListenAddress address;
  std::uint64_t max_packet_bytes = 65'000;
  std::uint64_t queue_packets = 1'000;
  std::uint64_t socket_buffer_bytes = 0;  // 0: the system's default
};

struct JaegerSection {
  UdpSection compact{.address = OnPort(6831)};
  UdpSection binary{.address = OnPort(6832)};
  UdpSection zipkin_compact{.address = OnPort(5775)};
  ListenAddress grpc = OnPort(14250);
  ListenAddress http = OnPort(14268);
  ListenAddress tchannel = OnPort(14267);
};

// Zipkin's query API, on the port where its spans come in.
struct ZipkinQuerySection {
  bool on = true;
  bool search = true;           // false: names and searches are empty
  bool strict_trace_id = true;  // false: ids are equal where their low 64 bits are
  std::vector<std::string> autocomplete_keys;
  std::chrono::nanoseconds timeout = std::chrono::seconds{11};
  std::chrono::nanoseconds lookback = std::chrono::hours{24};
};

// Zipkin's web pages, on the port of its query API.
struct ZipkinUiSection {
  bool on = true;
  std::string lens;  // a build's directory or jar; "": none
  std::string base_path = "/zipkin";
  std::string environment;
  std::uint64_t query_limit = 10;
  std::chrono::nanoseconds default_lookback = std::chrono::minutes{15};
  std::string logs_url;
  std::string support_url;
  std::string archive_post_url;
  std::string archive_url;
  bool dependencies = true;
  double low_error_rate = 0.5;
  double high_error_rate = 0.75;
};

struct ZipkinSection {
  ListenAddress address = OnPort(9411);  // HTTP and gRPC on one port
  bool http = true;                      // false: POSTs are not found
  bool grpc = true;
  std::vector<std::string> allowed_origins = {"*"};
  std::vector<std::string> allowed_headers;  // beside those that are needed
  ListenAddress scribe = {false, std::nullopt, 9410};
  std::string scribe_category = "zipkin";
  double sample_rate = 1;  // share of traces that is kept, by Zipkin's rule
  ZipkinQuerySection query;
  ZipkinUiSection ui;
};

// What tells clients how to sample.
struct SamplingSection {
  ListenAddress http = OnPort(5778);
  ListenAddress grpc = OnPort(5779);
  std::string type = "file";           // file or static, adaptive
  std::string baggage_file;            // restrictions of baggage; "": none
  std::string strategies_file;         // a path or a URL; "": the default for all
  net::TlsClientOptions strategies_tls;  // of an https URL
  double default_probability = 0.001;  // of services that no strategy names
  sampling::AdaptiveOptions adaptive;
  std::chrono::nanoseconds reload_interval{0};  // 0: on SIGHUP only
};

// What happens to spans between a receiver and the store (docs/ingest.md).
struct PipelineSection {
  StructuredText processors;      // a sequence of maps
  double head_probability = 1;    // share of traces that are kept
  std::vector<std::string> tags;  // "key=value": for every resource that lacks the key
  std::uint64_t max_bytes = std::uint64_t{512} << 20;  // of messages and batches in flight
  // Of ingest::SanitizeOptions.
  std::uint64_t max_attributes = 8192;
  std::uint64_t max_events = 8192;
  std::uint64_t max_links = 8192;
  std::uint64_t max_value_bytes = 256 * 1024;
  std::uint64_t max_name_bytes = 4096;
  std::uint64_t max_span_bytes = std::uint64_t{4} << 20;
};

// Of ingest::TailSamplerOptions.
struct TailSection {
  StructuredText policies;  // a sequence of maps; empty: no tail sampling
  std::chrono::nanoseconds wait = std::chrono::seconds(30);
  std::uint64_t max_memory_bytes = std::uint64_t{64} << 20;
  std::uint64_t max_traces = 200'000;
  std::uint64_t max_disk_bytes = std::uint64_t{1} << 30;
};

struct QuerySection {
  ListenAddress http = OnPort(16686);  // the services of `grpc` too
  ListenAddress grpc = OnPort(16685);
  std::string base_path = "/";
  std::string static_files;  // a build of Jaeger's pages; "": none
  std::string ui_config;
  std::vector<std::string> additional_headers;  // "Name: value"
  std::chrono::nanoseconds max_clock_skew{0};   // by which a span may be moved; 0: none is
  std::vector<std::string> cors_origins;        // whose pages may ask over HTTP
  ListenAddress zipkin = OnPort(9412);          // of the query service alone
  bool log_requests = false;
  std::uint64_t max_concurrent = 256;  // queries at a time over all ports; 0: any number
  // Bytes that answers hold while they are made and sent: of all, of one; 0: any number.
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  std::uint64_t max_bytes_per_query = std::uint64_t{512} << 20;
  std::chrono::nanoseconds timeout = std::chrono::seconds{60};  // of one question of Jaeger's APIs
  std::uint64_t max_traces = 0;        // that one search of Jaeger's gives; 0: what it asks for
  std::uint64_t workers = 4;           // threads of each port
};

// A storage back end of Jaeger's collectors and query services.
struct RemoteStorageSection {
  ListenAddress grpc = OnPort(17271);
  ListenAddress archive = OnPort(17272);  // the archive, as a store like the other
  bool purge = false;                     // may they be emptied by a call
};

// Spans of the service's own requests.
struct SelfTracingSection {
  bool on = false;
  double ratio = 1;          // of requests that no caller has decided on
  double per_second = 0;     // of them at most; 0: any number
  std::string service_name;  // "": tracestore- and the command
  std::string endpoint;      // URL of OTLP over HTTP; "": what the service itself writes to
  std::string bearer_token_file;  // shown there; "": none
  std::string tenant;             // whose the spans are there; "": nobody's
  net::TlsClientOptions tls;      // of an https URL
};

// Grafana Tempo's query API.
struct TempoSection {
  ListenAddress http = OnPort(3200);
  std::chrono::nanoseconds timeout = std::chrono::seconds{30};
};

// TLS of each listener.
struct TlsSection {
  net::TlsServerOptions otlp_grpc;
  net::TlsServerOptions otlp_http;
  net::TlsServerOptions jaeger_grpc;
  net::TlsServerOptions jaeger_http;
  net::TlsServerOptions jaeger_tchannel;
  net::TlsServerOptions zipkin;
  net::TlsServerOptions scribe;
  net::TlsServerOptions sampling_http;
  net::TlsServerOptions sampling_grpc;
  net::TlsServerOptions query;
  net::TlsServerOptions query_grpc;
  net::TlsServerOptions query_zipkin;
  net::TlsServerOptions tempo;
  net::TlsServerOptions admin;
  net::TlsServerOptions remote_storage;  // of both
};

// What every HTTP and gRPC listener is bound by.
struct LimitsSection {
  std::uint64_t max_message_bytes = std::uint64_t{32} << 20;
  std::uint64_t max_bytes_in_flight = std::uint64_t{256} << 20;
  std::uint64_t max_connections = 1024;
  std::chrono::nanoseconds read_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(60);
  std::chrono::nanoseconds write_timeout = std::chrono::seconds(30);
};

// Where spans are sent on to, in place of a store.
struct ForwardSection {
  std::string type = "none";  // or grpc (Jaeger's), otlp-grpc, otlp-http, tchannel
  std::vector<std::string> grpc_collectors;
  std::vector<std::string> tchannel_collectors;
  std::chrono::nanoseconds tchannel_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds tchannel_connect_timeout = std::chrono::seconds(5);
  std::vector<std::string> otlp_collectors;
  std::vector<std::string>
      sampling_collectors;       // asked for strategies by HTTP; empty: see forward.cc
  std::string buffer_directory;  // "": in memory
  std::uint64_t buffer_bytes = std::uint64_t{256} << 20;
  bool buffer_sync = false;
  std::uint64_t batch_spans = 1'000;
  std::chrono::nanoseconds batch_wait = std::chrono::milliseconds(200);
  std::uint64_t workers = 2;
  std::chrono::nanoseconds max_retry_interval = std::chrono::seconds(30);
  net::TlsClientOptions tls;
  std::string bearer_token_file;  // shown to collectors; one of the two, or neither
  std::string basic_auth_file;

  bool on() const noexcept { return type != "none"; }
};

// Who may speak to listeners of HTTP and gRPC.
struct AuthSection {
  std::string file;  // "": anybody
  std::vector<std::string> except = {"admin", "sampling_http", "sampling_grpc"};  // by key
};

// Whose requests are whose.
struct TenancySection {
  bool on = false;
  std::string header = "x-tenant";
  std::vector<std::string> tenants;
  std::string default_tenant = "default";
  std::uint64_t max_tenants = 100;
  std::vector<std::string> span_rates;  // "shop=1000", "*=10"
  std::vector<std::string> keep_bytes;  // "shop=10GiB"
};

struct AdminSection {
  ListenAddress http = OnPort(14269);
  std::string metrics_route = "/metrics";
};

struct ServiceConfig {
  Role role = kAllInOne;
  std::string host = "127.0.0.1";  // of listeners that name none; a name, an address, or "" for all
  std::string ports_file;          // "": none; gets the real ports as JSON once all are open
  std::string log_level = "info";  // debug, info, warn, error
  std::chrono::nanoseconds stop_grace =
      std::chrono::seconds(8);  // for requests in flight, at the end
  StoreSection store;
  ArchiveSection archive;
  OtlpSection otlp;
  JaegerSection jaeger;
  ZipkinSection zipkin;
  SamplingSection sampling;
  ForwardSection forward;
  PipelineSection pipeline;
  TailSection tail;
  QuerySection query;
  RemoteStorageSection remote_storage;
  TempoSection tempo;
  SelfTracingSection self_tracing;
  AdminSection admin;
  TlsSection tls;
  AuthSection auth;
  TenancySection tenancy;
  LimitsSection limits;
};

}  // namespace tracestore::tools
