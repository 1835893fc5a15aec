// How listeners are opened: limits, TLS, and what is told of them.
#include "service/listeners.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.h"
#include "net/authentication.h"
#include "net/dual_server.h"
#include "net/tenancy.h"
#include "server/tracing/self_tracer.h"
#include "service/service.h"

namespace tracestore::tools {
namespace {

std::chrono::milliseconds Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

std::function<void(std::string_view)> CountClosed(Service& service, const std::string& key) {
  return [&metrics = service.metrics(), key](std::string_view cause) {
    metrics.Add("tracestore_grpc_connections_closed_total",
                {{"server", key}, {"cause", std::string(cause)}});
  };
}

// A listener's, with reloads in the log.
net::TlsServerOptions WithLog(const net::TlsServerOptions& options, const std::string& key) {
  net::TlsServerOptions tls = options;
  tls.on_reload = [key](const std::string& sentence) { spdlog::info("{}: {}", key, sentence); };
  return tls;
}

// "https" for "http" where the listener has TLS.
ListenerName Shown(ListenerName name, bool tls) {
  if (tls && name.address.starts_with("http:")) name.address.insert(4, 1, 's');
  return name;
}

// Null where anybody may speak to the listener.
std::shared_ptr<net::Credentials> CredentialsOf(Service& service, const std::string& key) {
  const auto& except = service.config().auth.except;
  if (std::find(except.begin(), except.end(), key) != except.end()) return nullptr;
  return service.shared().credentials;
}

net::RefusalObserver CountRefused(Service& service, const std::string& key) {
  return [&metrics = service.metrics(), key] {
    metrics.Add("tracestore_auth_refused_total", {{"server", key}});
  };
}

// Its clients have no header that says whose they are.
bool IsNobodys(std::string_view key) {
  return key == "admin" || key == "sampling_http" || key == "sampling_grpc";
}

// Null where a listener's requests are nobody's.
std::shared_ptr<const net::TenancyOptions> TenancyOf(Service& service, std::string_view key) {
  if (key == "admin") return nullptr;
  if (IsNobodys(key)) return service.shared().sampling_tenancy;
  return key == "tempo" ? service.shared().tempo_tenancy : service.shared().tenancy;
}

// Unset where anybody may speak to the listener.
std::optional<net::AuthenticationOptions> AuthenticationOf(Service& service,
                                                           const std::string& key) {
  net::AuthenticationOptions options;
  options.credentials = CredentialsOf(service, key);
  if (options.credentials == nullptr) return std::nullopt;
  if (const auto tenancy = TenancyOf(service, key)) {
    options.tenant_header = tenancy->header;
    options.of_default = tenancy->of_default;
    options.default_tenant = tenancy->default_tenant;
  } else {
    options.of_no_tenant = !IsNobodys(key);
  }
  options.observer = CountRefused(service, key);
  return options;
}

// Who it is first, then whose it is: strangers learn nothing of tenants.
net::HttpGate GateOf(Service& service, const std::string& key, const net::RefusalWords& words) {
  net::HttpGate who, whose;
  if (auto options = AuthenticationOf(service, key))
    who = net::AuthenticationGate(*std::move(options), words);
  if (auto tenancy = TenancyOf(service, key)) whose = net::TenancyGate(std::move(tenancy));
  if (!who || !whose) return who ? who : whose;
  return [who, whose](net::HttpRequest& request) {
    auto refusal = who(request);
    return refusal ? std::move(refusal) : whose(request);
  };
}

// With the headers that the listener itself asks for.
net::CorsOptions CorsOf(Service& service, const std::string& key, net::CorsOptions cors) {
  const auto allow = [&cors](const std::string& header) {
    cors.headers += (cors.headers.empty() ? "" : ",") + header;
  };
  if (CredentialsOf(service, key) != nullptr) allow("authorization");
  if (const auto tenancy = TenancyOf(service, key)) allow(tenancy->header);
  return cors;
}

// Of pages of other origins: what they may read, refusals too, and what they may send.
void ApplyCors(Service& service, const std::string& key,
               const std::optional<net::CorsOptions>& cors, net::HttpHandler& handler,
               net::HttpGate& gate) {
  if (!cors) return;
  const net::CorsOptions whole = CorsOf(service, key, *cors);
  handler = net::WithCors(whole, std::move(handler));
  gate = net::CorsGate(whole, std::move(gate));
}

// Health and metrics are asked for all the time, by machines.
server::SelfTracer* TracerOf(Service& service, std::string_view key) {
  return key == "admin" ? nullptr : service.shared().self_tracer;
}

// Whom the gate lets in: what is refused there is no request that is served.
net::HttpHandler Traced(Service& service, const std::string& key, net::HttpHandler handler) {
  server::SelfTracer* const tracer = TracerOf(service, key);
  if (tracer == nullptr) return handler;
  return tracer->Http(std::move(handler), TlsOf(service.config(), key).enabled);
}

net::RawGrpcServices Traced(Service& service, const std::string& key,
                            net::RawGrpcServices methods,
                            const std::set<std::string, std::less<>>& without = {}) {
  server::SelfTracer* const tracer = TracerOf(service, key);
  return tracer == nullptr ? std::move(methods) : tracer->Grpc(std::move(methods), without);
}

net::RawGrpcServices Guarded(Service& service, const std::string& key,
                             net::RawGrpcServices methods) {
  if (const auto tenancy = TenancyOf(service, key))
    methods = net::WithTenancy(tenancy, std::move(methods));
  if (const auto options = AuthenticationOf(service, key))
    methods = net::WithAuthentication(*options, std::move(methods));
  return methods;
}

}  // namespace

const net::TlsServerOptions& TlsOf(const ServiceConfig& config, std::string_view key) noexcept {
  static const net::TlsServerOptions kNone;
  const TlsSection& tls = config.tls;
  const std::pair<std::string_view, const net::TlsServerOptions*> by_key[] = {
      {"otlp_grpc", &tls.otlp_grpc},
      {"otlp_http", &tls.otlp_http},
      {"jaeger_grpc", &tls.jaeger_grpc},
      {"jaeger_http", &tls.jaeger_http},
      {"jaeger_tchannel", &tls.jaeger_tchannel},
      {"zipkin", &tls.zipkin},
      {"scribe", &tls.scribe},
      {"sampling_http", &tls.sampling_http},
      {"query", &tls.query},
      {"query_grpc", &tls.query_grpc},
      {"query_zipkin", &tls.query_zipkin},
      {"tempo", &tls.tempo},
      {"sampling_grpc", &tls.sampling_grpc},
      {"admin", &tls.admin},
      {"remote_storage", &tls.remote_storage},
      {"remote_storage_archive", &tls.remote_storage},
  };
  for (const auto& [name, options] : by_key) {
    if (name == key) return *options;
  }
  return kNone;
}

std::function<void(std::string_view)> CountRefusedMessages(Service& service,
                                                           const std::string& key) {
  return [&metrics = service.metrics(), key](std::string_view cause) {
    metrics.Add("tracestore_listener_refused_total", {{"server", key}, {"cause", cause}});
  };
}

net::GrpcServerOptions GrpcOptions(const LimitsSection& limits,
                                   std::set<std::string, std::less<>> client_streams) {
  net::GrpcServerOptions options;
  options.max_connections = limits.max_connections;
  options.max_message_bytes = limits.max_message_bytes;
  options.max_bytes_in_flight = std::max(limits.max_bytes_in_flight, limits.max_message_bytes);
  options.handshake_timeout = Milliseconds(limits.read_timeout);
  options.peer_timeout = Milliseconds(std::max(limits.read_timeout, limits.write_timeout));
  // gRPC tells clients before it closes an idle connection: they connect again without an error.
  options.idle_timeout = Milliseconds(limits.idle_timeout);
  if (!client_streams.empty())
    options.max_streams_per_connection = static_cast<int>(options.max_client_streams);
  options.client_streams = std::move(client_streams);
  return options;
}

net::FramedServerOptions FramedOptions(const Service& service, std::string_view key,
                                       const ListenAddress& address) {
  const LimitsSection& limits = service.config().limits;
  net::FramedServerOptions options;
  options.host = service.HostOf(address);
  options.port = address.port;
  options.tls = WithLog(TlsOf(service.config(), key), std::string(key));
  options.max_connections = limits.max_connections;
  options.max_bytes_in_flight = std::max(limits.max_bytes_in_flight, options.max_frame_bytes);
  options.read_timeout = Milliseconds(limits.read_timeout);
  options.write_timeout = Milliseconds(limits.write_timeout);
  return options;
}

Status Service::ServeHttp(HttpListener listener) {
  if (!listener.address.on) return {};
  const LimitsSection& limits = config_.limits;
  const std::string key = listener.name.key;
  net::HttpServerOptions options;
  options.host = HostOf(listener.address);
  options.port = listener.address.port;
  options.tls = WithLog(TlsOf(config_, key), key);
  options.max_body_bytes = limits.max_message_bytes;
  options.max_body_bytes_in_flight = std::max(limits.max_bytes_in_flight, limits.max_message_bytes);
  options.max_connections = limits.max_connections;
  options.read_timeout = Milliseconds(limits.read_timeout);
  options.idle_timeout = Milliseconds(limits.idle_timeout);
  options.write_timeout = Milliseconds(limits.write_timeout);
  options.worker_threads = listener.worker_threads;
  options.gate = GateOf(*this, key, listener.refusal);
  listener.handler = Traced(*this, key, std::move(listener.handler));
  ApplyCors(*this, key, listener.cors, listener.handler, options.gate);
  options.error_response = std::move(listener.refusal);
  options.on_refused = CountRefusedMessages(*this, key);
  const bool tls = options.tls.enabled;
  TS_TRY_ASSIGN(auto server,
                net::HttpServer::Start(std::move(options), std::move(listener.handler)));
  net::HttpServer& kept =
      Serve(Shown(std::move(listener.name), tls), listener.address, std::move(server));
  OnCollect([&kept, key](server::MetricRegistry& metrics) {
    metrics.Set("tracestore_http_connections", {{"server", key}},
                static_cast<double>(kept.connections()));
  });
  return {};
}

Status Service::ServeGrpc(GrpcListener listener) {
  if (!listener.address.on) return {};
  listener.methods =
      Traced(*this, listener.name.key, std::move(listener.methods), listener.client_streams);
  net::GrpcServerOptions options =
      GrpcOptions(config_.limits, std::move(listener.client_streams));
  options.tls = WithLog(TlsOf(config_, listener.name.key), listener.name.key);
  options.on_connection_closed = CountClosed(*this, listener.name.key);
  options.on_refused = CountRefusedMessages(*this, listener.name.key);
  options.worker_threads = listener.worker_threads;
  options.host = HostOf(listener.address);
  options.port = listener.address.port;
  options.health_names = std::move(listener.health_names);
  TS_TRY_ASSIGN(auto server,
                net::GrpcServer::Start(std::move(options),
                                       Guarded(*this, listener.name.key,
                                               std::move(listener.methods))));
  Serve(std::move(listener.name), listener.address, std::move(server));
  return {};
}

Status Service::ServeDual(DualListener listener) {
  if (!listener.address.on) return {};
  const LimitsSection& limits = config_.limits;
  const std::string key = listener.name.key;
  net::DualServerOptions options;
  options.host = HostOf(listener.address);
  options.port = listener.address.port;
  options.tls = WithLog(TlsOf(config_, key), key);
  options.http.max_body_bytes = limits.max_message_bytes;
  options.http.max_body_bytes_in_flight =
      std::max(limits.max_bytes_in_flight, limits.max_message_bytes);
  options.http.max_connections = limits.max_connections;
  options.http.read_timeout = Milliseconds(limits.read_timeout);
  options.http.idle_timeout = Milliseconds(limits.idle_timeout);
  options.http.write_timeout = Milliseconds(limits.write_timeout);
  options.http.gate = GateOf(*this, key, listener.refusal);
  listener.handler = Traced(*this, key, std::move(listener.handler));
  listener.methods = Traced(*this, key, std::move(listener.methods));
  ApplyCors(*this, key, listener.cors, listener.handler, options.http.gate);
  options.http.error_response = std::move(listener.refusal);
  options.grpc = GrpcOptions(limits);
  options.grpc.on_connection_closed = CountClosed(*this, key);
  options.http.on_refused = options.grpc.on_refused = CountRefusedMessages(*this, key);
  options.http.worker_threads = listener.worker_threads;
  options.grpc.worker_threads = listener.worker_threads;
  options.first_bytes_timeout = Milliseconds(limits.read_timeout);
  options.max_waiting = limits.max_connections;
  const bool tls = options.tls.enabled;
  TS_TRY_ASSIGN(auto server,
                net::DualServer::Start(std::move(options), std::move(listener.handler),
                                       Guarded(*this, key, std::move(listener.methods))));
  net::DualServer& kept =
      Serve(Shown(std::move(listener.name), tls), listener.address, std::move(server));
  OnCollect([&kept, key](server::MetricRegistry& metrics) {
    metrics.Set("tracestore_http_connections", {{"server", key}},
                static_cast<double>(kept.connections()));
  });
  return {};
}

}  // namespace tracestore::tools
