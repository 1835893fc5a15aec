// Service: the parts of one process, started in order and stopped in the opposite one.
//
// A part is a function of parts.h. It makes what it needs, gives it to the service to keep, opens
// its listeners through the service, and says what is to be done at the end. To add a receiver: its
// address in config.h, a function in a file of its own, its line in parts.h and in the tables of
// roles.cc.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/cors.h"
#include "net/credentials.h"
#include "net/grpc_server.h"
#include "net/http_server.h"
#include "server/admin/admin_api.h"
#include "service/config.h"

namespace tracestore {
class Store;
namespace net {
struct TenancyOptions;
}
namespace server {
class SelfTracer;
class TenantStores;
}
namespace ingest {
class ByteBudget;
class Intake;
class SpanSink;
class ZipkinCounters;
}  // namespace ingest
namespace sampling {
class AdaptiveSampler;
class BaggageProvider;
class StrategyProvider;
}  // namespace sampling
}  // namespace tracestore

namespace tracestore::tools {

class LateStores;
class QueryAccess;
class Service;
using Part = Status (*)(Service&);

// Every listener has these three. None is opened where `address` is off. TLS comes by the key:
// TlsOf() in listeners.cc.
struct ListenerName {
  std::string key;      // "otlp_http": in the file of ports and in metrics
  std::string shown;    // "OTLP over HTTP": for people
  std::string address;  // how the address is shown, "{}" is host:port: "http://{}/v1/traces"
};

struct HttpListener {
  ListenerName name;
  ListenAddress address;
  net::HttpHandler handler;
  std::function<net::HttpResponse(int, const std::string&)> refusal;  // the server's own, worded
  std::size_t worker_threads = 4;
  std::optional<net::CorsOptions> cors = {};  // unset: OPTIONS is the handler's
};

struct GrpcListener {
  ListenerName name;
  ListenAddress address;
  net::RawGrpcServices methods;
  std::size_t worker_threads = 4;
  std::set<std::string, std::less<>> client_streams = {};  // as GrpcServerOptions has them
  std::vector<std::string> health_names = {};
};

// Both on one port.
struct DualListener {
  ListenerName name;
  ListenAddress address;
  net::HttpHandler handler;
  std::function<net::HttpResponse(int, const std::string&)> refusal;  // the server's own, worded
  net::RawGrpcServices methods;
  std::optional<net::CorsOptions> cors = {};  // unset: OPTIONS is the handler's
  std::size_t worker_threads = 4;             // of each of the two
};

// What the parts share; each is set by the part that makes it, before the parts that need it start.
// Borrowed: the service keeps them (Service::Keep).
struct Shared {
  Store* store = nullptr;
  std::string directory;                   // the store's
  ingest::SpanSink* end = nullptr;         // what the pipeline ends in, unless it is the store
  ingest::SpanSink* sink = nullptr;        // where receivers put spans
  const ingest::Intake* intake = nullptr;  // what receivers hand messages to
  // Whether a tenant may send so many spans now; unset: anybody may. Of all ports.
  std::function<bool(std::string_view tenant, std::uint64_t spans)> admit;
  ingest::ByteBudget* budget = nullptr;    // of messages in flight
  LateStores* archives = nullptr;          // null where spans are sent on
  ingest::ZipkinCounters* zipkin_counters = nullptr;
  sampling::StrategyProvider* strategies = nullptr;  // what clients are told
  // Who learns from a tenant's spans; unset unless sampling is adaptive.
  std::function<sampling::AdaptiveSampler*(std::string_view tenant)> adaptive;
  std::shared_ptr<const net::TenancyOptions> tenancy;  // null: nobody is asked whose a request is
  std::shared_ptr<const net::TenancyOptions> tempo_tenancy;  // the same by Tempo's header
  // The same on the ports where clients ask how to sample; null where that is nobody's.
  std::shared_ptr<const net::TenancyOptions> sampling_tenancy;
  server::TenantStores* tenants = nullptr;             // null: all is in `store`
  std::shared_ptr<net::Credentials> credentials;     // null: anybody may speak
  QueryAccess* query_access = nullptr;               // lets queries in
  server::SelfTracer* self_tracer = nullptr;         // null: requests aren't recorded
  net::HttpHandler zipkin_reads;                     // unset: Zipkin's port takes spans only
  sampling::BaggageProvider* baggage = nullptr;      // null: no restrictions
};

// Threads: one thread starts and stops it. metrics() and health() from any.
class Service {
 public:
  explicit Service(ServiceConfig config) : config_(std::move(config)) {}
  ~Service();  // what parts gave goes in the opposite order
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Starts the parts, the first that fails ends it: Stop() is still to be called. Health says
  // "available" once all stand; then the file of ports is written.
  Status Start(const std::vector<Part>& parts);

  // Health says so at once; then what parts gave to OnStop, last first, all within `grace`. Gives
  // the first error, having done all.
  Status Stop(std::chrono::milliseconds grace);

  // What parts gave to OnReload, all of it; gives the errors, after which the old state serves on.
  std::vector<Error> Reload();

  // The addresses and what parts said with Show(), one a line, for people.
  std::string Description() const;
  // The port of a listener; 0 where none has that key.
  std::uint16_t PortOf(const std::string& key) const;

  // For parts.
  const ServiceConfig& config() const noexcept { return config_; }
  server::MetricRegistry& metrics() noexcept { return metrics_; }
  server::Health& health() noexcept { return health_; }
  Shared& shared() noexcept { return shared_; }

  // Owns it until the service goes; later ones go first.
  template <class T>
  T& Keep(std::unique_ptr<T> owned) {
    T& kept = *owned;
    kept_.push_back(std::shared_ptr<T>(std::move(owned)));
    return kept;
  }

  Status ServeHttp(HttpListener listener);
  Status ServeGrpc(GrpcListener listener);
  Status ServeDual(DualListener listener);
  // Any other server that was started: it has port() and Stop(grace).
  template <class T>
  T& Serve(ListenerName name, const ListenAddress& address, std::unique_ptr<T> server) {
    T& kept = Keep(std::move(server));
    AddListener(std::move(name), address, kept.port());
    OnStop([&kept](std::chrono::milliseconds grace) {
      kept.Stop(grace);
      return Status();
    });
    return kept;
  }

  // Called at the end with the time that is left. Later ones are called first.
  void OnStop(std::function<Status(std::chrono::milliseconds)> stop);
  // Called by Reload(), on the thread that owns the service.
  void OnReload(std::function<Status()> reload);
  // Called before each answer of /metrics, on the admin server's thread, until the service stops.
  void OnCollect(std::function<void(server::MetricRegistry&)> collect);
  // For the admin part: calls them all.
  void Collect(server::MetricRegistry& metrics);
  // A line of Description().
  void Show(std::string what, std::string value);

  // The host that a listener of this address is opened on.
  const std::string& HostOf(const ListenAddress& address) const noexcept {
    return address.host ? *address.host : config_.host;
  }

 private:
  void AddListener(ListenerName name, const ListenAddress& address, std::uint16_t port);
  Status WritePortsFile() const;

  const ServiceConfig config_;
  server::MetricRegistry metrics_;
  server::Health health_;
  Shared shared_;
  std::vector<std::pair<std::string, std::uint16_t>> ports_;      // in the order of starts
  std::vector<std::pair<std::string, std::string>> description_;  // in the order of starts
  std::vector<std::function<Status(std::chrono::milliseconds)>> stops_;
  std::vector<std::function<Status()>> reloads_;
  std::mutex collect_mutex_;
  std::vector<std::function<void(server::MetricRegistry&)>> collects_;  // guarded by collect_mutex_
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace tracestore::tools
