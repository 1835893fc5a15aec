#include "all_in_one.h"

#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "exit_codes.h"
#include "ingest/intake.h"
#include "ingest/receivers/otlp_grpc.h"
#include "ingest/receivers/otlp_http.h"
#include "net/grpc_server.h"
#include "net/host_port.h"
#include "net/http_server.h"
#include "retention_flags.h"
#include "server/admin/admin_api.h"
#include "server/jaeger/query_api.h"

namespace tracestore::tools {
namespace {

// How long requests in flight may take at the end, all listeners together; Docker's own patience
// is 10 s, systemd's 90.
constexpr std::chrono::milliseconds kGrace{8000};

// SIGTERM and SIGINT, waited for by the thread that owns the service. Made before any other thread,
// which then inherit that the two are blocked.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~StopSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Gives the signal that came. From then on another one ends the process.
  int Wait() {
    int signal = 0;
    sigwait(&signals_, &signal);
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    return signal;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

// The store's directory; a temporary one goes with this object.
class DataDirectory {
 public:
  explicit DataDirectory(std::string path) : path_(std::move(path)) {}
  static Result<std::unique_ptr<DataDirectory>> Temporary() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "tracestore-XXXXXX").string();
    if (error || mkdtemp(path.data()) == nullptr)
      return Error(ErrorCode::kIo, "cannot make a temporary directory " + path);
    auto made = std::make_unique<DataDirectory>(std::move(path));
    made->temporary_ = true;
    return made;
  }
  ~DataDirectory() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const noexcept { return path_; }
  bool temporary() const noexcept { return temporary_; }

 private:
  std::string path_;
  bool temporary_ = false;
};

// StoreOptions::metric's, each a counter tracestore_store_…_total.
void DescribeStoreMetrics(server::MetricRegistry& metrics) {
  static constexpr std::pair<const char*, const char*> kCounters[] = {
      {"appended_spans", "Spans appended."},
      {"append_group_batches", "Batches of all groups that were written to the log in one go."},
      {"recovered_spans", "Spans read out of the log at the start."},
      {"sealed_spans", "Spans that went from the head into segments."},
      {"sealed_bytes", "Bytes of the segments they became."},
      {"tombstones_added", "Tombstones of deletes that this process made."},
      {"compactions", "Merges of segments."},
      {"compacted_segments", "Segments that were merged."},
      {"compacted_spans", "Spans of the segments made of them."},
      {"compacted_bytes_read", "Bytes of the merged segments."},
      {"compacted_bytes_written", "Bytes of the segments made of them."},
      {"compaction_dropped_spans", "Deleted spans that merges left out."},
      {"expired_segments", "Segments that retention dropped."},
      {"expired_spans", "Spans of them."},
  };
  for (const auto& [name, help] : kCounters)
    metrics.Describe("tracestore_store_" + std::string(name) + "_total", help);
}

void DescribeMetrics(server::MetricRegistry& metrics) {
  metrics.Describe("tracestore_build_info", "The version that runs; always 1.");
  metrics.Describe("tracestore_ingest_requests_total",
                   "Messages by transport, format and outcome.");
  metrics.Describe("tracestore_ingest_bytes_total", "Bytes of messages, decompressed.");
  metrics.Describe("tracestore_spans_received_total", "Spans of all messages read.");
  metrics.Describe("tracestore_spans_accepted_total", "Spans kept and acknowledged.");
  metrics.Describe("tracestore_spans_rejected_total",
                   "Spans not kept, by reason; of messages that can't be read none is counted.");
  metrics.Describe("tracestore_query_requests_total", "Requests to the query API.");
  metrics.Describe("tracestore_query_seconds_total",
                   "Time until the first byte of an answer, added up.");
  metrics.Describe("tracestore_store_spans", "Spans in the store, repeats counted.");
  metrics.Describe("tracestore_store_head_spans", "Spans in memory and log, not in a segment yet.");
  metrics.Describe("tracestore_store_segments", "Segment files.");
  metrics.Describe("tracestore_store_segment_bytes", "Bytes of all segment files.");
  metrics.Describe("tracestore_store_log_bytes", "Bytes of all log files.");
  metrics.Describe("tracestore_store_deleted_spans",
                   "Deleted spans that segments hold until they are compacted.");
  metrics.Describe("tracestore_http_connections", "Open connections.");
  DescribeStoreMetrics(metrics);
}

void CountIntake(server::MetricRegistry& metrics, const ingest::IntakeEvent& event) {
  const char* outcome = ingest::IntakeOutcomeName(event.answer.outcome);
  const ingest::IntakeSource& source = event.source;
  const server::MetricLabels from{{"transport", source.transport}, {"format", source.format}};
  metrics.Add(
      "tracestore_ingest_requests_total",
      {{"transport", source.transport}, {"format", source.format}, {"outcome", outcome}});
  metrics.Add("tracestore_ingest_bytes_total", from, static_cast<double>(event.bytes));
  const auto& report = event.answer.report;
  metrics.Add("tracestore_spans_received_total", from,
              static_cast<double>(event.decoded + report.rejected));
  metrics.Add("tracestore_spans_accepted_total", from, static_cast<double>(report.accepted));
  for (const auto& [reason, count] : report.reasons)
    metrics.Add("tracestore_spans_rejected_total", {{"reason", reason}},
                static_cast<double>(count));
  if (event.answer.outcome != ingest::IntakeOutcome::kTaken && event.decoded != 0) {
    metrics.Add("tracestore_spans_rejected_total", {{"reason", outcome}},
                static_cast<double>(event.decoded));
  }
}

void LogStoreMessage(LogLevel level, std::string_view text) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::debug("store: {}", text);
    case LogLevel::kInfo: return spdlog::info("store: {}", text);
    case LogLevel::kWarning: return spdlog::warn("store: {}", text);
    case LogLevel::kError: return spdlog::error("store: {}", text);
  }
}

// All parts, in the order in which they start; they stop in the opposite one.
class AllInOne {
 public:
  explicit AllInOne(const AllInOneOptions& options) : options_(options) {}

  Status Start() {
    DescribeMetrics(metrics_);
    metrics_.Set("tracestore_build_info", {{"version", server::Version()}}, 1);
    TS_TRY(StartAdmin());
    TS_TRY(OpenStore());
    TS_TRY(StartQuery());
    TS_TRY(StartReceivers());
    serving_ = true;
    health_.Set(server::Health::State::kAvailable);
    if (!options_.ports_file.empty()) TS_TRY(WritePortsFile());
    PrintAddresses();
    return {};
  }

  // Receivers first, so that what they have taken is in the store before it closes.
  Status Stop() {
    health_.Set(server::Health::State::kStopping);
    const auto deadline = std::chrono::steady_clock::now() + kGrace;
    const auto left = [deadline] {
      const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      return std::max(rest, std::chrono::milliseconds{0});
    };
    if (otlp_grpc_) otlp_grpc_->Stop(left());
    if (otlp_http_) otlp_http_->Stop(left());
    if (query_) query_->Stop(left());
    if (admin_) admin_->Stop(left());
    if (!store_) return {};
    return store_->Close();
  }

 private:
  net::HttpServerOptions HttpOptions(std::uint16_t port) const {
    net::HttpServerOptions http;
    http.host = options_.host;
    http.port = port;
    return http;
  }

  Status StartAdmin() {
    server::AdminOptions admin;
    admin.health = &health_;
    admin.metrics = &metrics_;
    admin.collect = [this](server::MetricRegistry& metrics) { Collect(metrics); };
    net::HttpServerOptions http = HttpOptions(options_.admin_port);
    http.worker_threads = 1;
    TS_TRY_ASSIGN(admin_, net::HttpServer::Start(http, server::MakeAdminHandler(std::move(admin))));
    return {};
  }

  Status OpenStore() {
    if (options_.data.empty()) {
      TS_TRY_ASSIGN(directory_, DataDirectory::Temporary());
    } else {
      directory_ = std::make_unique<DataDirectory>(options_.data);
    }
    StoreOptions store;
    store.sync = options_.sync;
    store.retention_age = options_.keep_age;
    store.retention_bytes = options_.keep_bytes;
    store.log = LogStoreMessage;
    // The store tells what is added: spans appended, sealed, recovered.
    store.metric = [this](std::string_view name, double value) {
      metrics_.Add("tracestore_store_" + std::string(name) + "_total", {}, value);
    };
    TS_TRY_ASSIGN(store_, Store::Open(directory_->path(), std::move(store)));
    return {};
  }

  Status StartQuery() {
    server::JaegerQueryOptions query;
    query.snapshot = [this] { return store_->TakeSnapshot(); };
    query.observer = [this](std::string_view route, int status, std::chrono::nanoseconds took) {
      metrics_.Add("tracestore_query_requests_total",
                   {{"route", route}, {"status", std::to_string(status)}});
      metrics_.Add("tracestore_query_seconds_total", {{"route", route}},
                   std::chrono::duration<double>(took).count());
    };
    net::HttpServerOptions http = HttpOptions(options_.query_port);
    http.error_response = server::JaegerRefusal;
    TS_TRY_ASSIGN(query_, net::HttpServer::Start(
                              http, server::MakeJaegerQueryHandler(std::move(query))));
    return {};
  }

  Status StartReceivers() {
    sink_ = ingest::MakeStoreSink(*store_);
    intake_ = std::make_unique<ingest::Intake>(
        *sink_, [this](const ingest::IntakeEvent& event) { CountIntake(metrics_, event); });
    net::HttpServerOptions http = HttpOptions(options_.otlp_http_port);
    http.error_response = ingest::OtlpHttpRefusal;
    ingest::OtlpHttpOptions cors;
    cors.cors_origins = options_.cors_origins;
    TS_TRY_ASSIGN(otlp_http_, net::HttpServer::Start(
                                  http, ingest::MakeOtlpHttpHandler(*intake_, std::move(cors))));
    net::GrpcServerOptions grpc;
    grpc.host = options_.host;
    grpc.port = options_.otlp_grpc_port;
    TS_TRY_ASSIGN(otlp_grpc_, net::GrpcServer::Start(grpc, ingest::OtlpGrpcServices(*intake_)));
    return {};
  }

  // Runs on the admin server's thread, which starts before and stops after the others' life.
  void Collect(server::MetricRegistry& metrics) {
    if (!serving_) return;
    const auto set = [&](const char* name, const server::MetricLabels& labels,
                         std::uint64_t value) {
      metrics.Set(name, labels, static_cast<double>(value));
    };
    set("tracestore_http_connections", {{"server", "otlp"}}, otlp_http_->connections());
    set("tracestore_http_connections", {{"server", "query"}}, query_->connections());
    const auto snapshot = store_->TakeSnapshot();
    if (!snapshot.has_value()) return;
    const auto stats = snapshot->Stats(false);
    if (!stats.has_value()) return;
    set("tracestore_store_spans", {}, stats->spans);
    set("tracestore_store_head_spans", {}, stats->head_spans);
    set("tracestore_store_deleted_spans", {}, stats->deleted_spans);
    set("tracestore_store_segments", {}, stats->segments);
    set("tracestore_store_segment_bytes", {}, stats->segment_bytes);
    set("tracestore_store_log_bytes", {}, stats->log_bytes);
  }

  // Under its name only once it is whole: who waits for the file can read it at once.
  Status WritePortsFile() const {
    std::string text;
    codec::JsonWriter json(text);
    json.BeginObject();
    for (const auto& [name, port] : std::initializer_list<std::pair<const char*, std::uint16_t>>{
             {"otlp_grpc", otlp_grpc_->port()},
             {"otlp_http", otlp_http_->port()},
             {"query", query_->port()},
             {"admin", admin_->port()}}) {
      json.Key(name);
      json.Uint(port);
    }
    json.EndObject();
    const std::string unfinished = options_.ports_file + ".unfinished";
    std::ofstream(unfinished) << text << '\n';
    std::error_code error;
    std::filesystem::rename(unfinished, options_.ports_file, error);
    if (error)
      return Error(ErrorCode::kIo, "cannot write " + options_.ports_file + ": " + error.message());
    return {};
  }

  void PrintAddresses() const {
    const std::string shown = options_.host.empty() ? "0.0.0.0" : options_.host;
    const auto at = [&](std::uint16_t port) { return net::FormatHostPort(shown, port); };
    std::cout << "OTLP over gRPC    " << at(otlp_grpc_->port()) << '\n'
              << "OTLP over HTTP    http://" << at(otlp_http_->port()) << "/v1/traces\n"
              << "Jaeger query API  http://" << at(query_->port()) << "/api/services\n"
              << "health, metrics   http://" << at(admin_->port()) << "/metrics\n"
              << "data              " << directory_->path()
              << (directory_->temporary() ? "  (removed at exit; --data DIR keeps one)" : "")
              << std::endl;
  }

  const AllInOneOptions options_;
  server::MetricRegistry metrics_;
  server::Health health_;
  std::atomic<bool> serving_ = false;  // all below is set and stays
  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ingest::SpanSink> sink_;
  std::unique_ptr<ingest::Intake> intake_;
  std::unique_ptr<net::HttpServer> query_;
  std::unique_ptr<net::HttpServer> otlp_http_;
  std::unique_ptr<net::GrpcServer> otlp_grpc_;
  std::unique_ptr<net::HttpServer> admin_;  // last: destroyed first, it looks at all others
};

}  // namespace

int RunAllInOne(const AllInOneOptions& options) {
  StopSignals signals;
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::set_default_logger(spdlog::stderr_color_mt("tracestore"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::flush_on(spdlog::level::info);

  AllInOne service(options);
  if (const Status started = service.Start(); !started.has_value()) {
    if (const Status stopped = service.Stop(); !stopped.has_value())
      spdlog::error("closing the store: {}", stopped.error().message());
    return Fail(started.error());
  }
  spdlog::info("serving");
  const int signal = signals.Wait();
  spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
  if (const Status stopped = service.Stop(); !stopped.has_value()) return Fail(stopped.error());
  spdlog::info("stopped; everything acknowledged is kept");
  return kExitOk;
}

Command DeclareAllInOne(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "all-in-one", "Takes spans over OTLP, keeps them, answers Jaeger's queries");
  const auto options = std::make_shared<AllInOneOptions>();
  app->add_option("--data", options->data,
                  "Directory of the store, made when missing; a temporary one, removed at exit, "
                  "when not given");
  app->add_option("--host", options->host, "Address to listen on; \"\" means all interfaces")
      ->capture_default_str();
  const auto port = [app](const char* flag, std::uint16_t& value, const char* what) {
    app->add_option(flag, value, std::string("Port of ") + what + "; 0 takes a free one")
        ->capture_default_str();
  };
  port("--otlp-grpc-port", options->otlp_grpc_port, "OTLP over gRPC");
  port("--otlp-http-port", options->otlp_http_port, "OTLP over HTTP");
  port("--query-port", options->query_port, "Jaeger's query API");
  port("--admin-port", options->admin_port, "health and metrics");
  app->add_option("--ports-file", options->ports_file,
                  "File to write the ports to, as JSON, once all of them are served");
  static const std::map<std::string, SyncPolicy> kPolicies = {
      {"full", SyncPolicy::kFull}, {"interval", SyncPolicy::kInterval}, {"off", SyncPolicy::kOff}};
  app->add_option("--sync", options->sync,
                  "When acknowledged spans are on the medium: full (before the answer), interval "
                  "(each second, the default), off (when the system likes)")
      ->transform(CLI::CheckedTransformer(kPolicies).description("full|interval|off"));
  app->add_option("--cors-origin", options->cors_origins,
                  "Origin whose web pages may send spans over HTTP; may be repeated, * means all")
      ->allow_extra_args(false);
  const auto retention = std::make_shared<RetentionFlags>();
  retention->AddTo(*app);
  return {app, [options, retention] {
            const auto age = retention->age();
            if (!age) return Fail(age.error());
            options->keep_age = age->value_or(std::chrono::seconds(0));
            options->keep_bytes = retention->bytes().value_or(0);
            return RunAllInOne(*options);
          }};
}

}  // namespace tracestore::tools
