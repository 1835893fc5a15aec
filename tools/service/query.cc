// Jaeger's query API over HTTP and gRPC.
#include <spdlog/spdlog.h>
#include <tracestore/store.h>

#include <optional>
#include <string>
#include <utility>

#include "base/try.h"
#include "net/cors.h"
#include "server/jaeger/query_api.h"
#include "server/jaeger/query_grpc.h"
#include "server/pages/jaeger_pages.h"
#include "server/reflection/reflection.h"
#include "service/jaeger_metrics.h"
#include "service/late_stores.h"
#include "service/parts.h"
#include "service/query_access.h"
#include "service/query_counts.h"
#include "service/tenants.h"

namespace tracestore::tools {
namespace {

// Under a path: what a reverse proxy sends on as it came.
net::HttpHandler Under(const std::string& base, net::HttpHandler handler) {
  if (base == "/") return handler;
  const std::string prefix = base.ends_with('/') ? base.substr(0, base.size() - 1) : base;
  return [prefix, handler = std::move(handler)](const net::HttpRequest& request) {
    const bool below = request.raw_target.starts_with(prefix);
    const std::string rest = below ? request.raw_target.substr(prefix.size()) : "";
    if (!below || !(rest.empty() || rest.front() == '/' || rest.front() == '?')) {
      return server::JaegerRefusal(404, "everything is under " + prefix + "/");
    }
    net::HttpRequest inner = request;
    const Status set = inner.SetTarget(rest.starts_with('/') ? rest : "/" + rest);
    if (!set.has_value()) return server::JaegerRefusal(400, set.error().message());
    return handler(inner);
  };
}

net::HttpHandler WithHeaders(const std::vector<std::string>& headers, net::HttpHandler handler) {
  if (headers.empty()) return handler;
  net::NamedValues values;
  for (const std::string& header : headers) {
    const auto colon = header.find(':');
    const auto value = header.find_first_not_of(' ', colon + 1);
    values.emplace_back(header.substr(0, colon),
                        value == std::string::npos ? "" : header.substr(value));
  }
  return [values, handler = std::move(handler)](const net::HttpRequest& request) {
    net::HttpResponse response = handler(request);
    response.headers.insert(response.headers.end(), values.begin(), values.end());
    return response;
  };
}

server::JaegerQueryOptions OptionsOf(const QuerySection& config, const TenantView& view,
                                     LateStores& archives, const QueryCounts& counts) {
  server::JaegerQueryOptions query;
  query.max_clock_skew = config.max_clock_skew;
  query.search_deadline = std::chrono::duration_cast<std::chrono::milliseconds>(config.timeout);
  query.max_traces = static_cast<std::uint32_t>(config.max_traces);
  query.observer = counts.requests;
  query.results = counts.results;
  query.snapshot = [view] { return view.Take(); };
  query.archive = [&archives, view](TraceId id) -> Result<ArchiveResult> {
    if (view.store == nullptr) return ArchiveResult();
    return archives.Archive(*view.store, ArchiveDirectory(view.directory), id);
  };
  if (view.store == nullptr) return query;
  query.archived = [&archives,
                    directory = ArchiveDirectory(view.directory)](TraceId id) -> Result<SpanList> {
    TS_TRY_ASSIGN(const Snapshot snapshot, Counted(archives.Take(directory)));
    return snapshot.Get(id);
  };
  return query;
}

std::optional<net::CorsOptions> CorsOf(const QuerySection& config) {
  if (config.cors_origins.empty()) return std::nullopt;
  return net::CorsOptions{.origins = config.cors_origins,
                          .methods = "GET,POST",
                          .headers = "content-type",
                          .max_age = std::chrono::hours{1}};
}

Result<net::HttpHandler> WithPages(const QuerySection& config, net::HttpHandler api) {
  server::JaegerPagesOptions pages;
  pages.directory = config.static_files;
  pages.ui_config = config.ui_config;
  pages.base_path = config.base_path;
  pages.log = [](const std::string& sentence) { spdlog::warn("{}", sentence); };
  return server::MakeJaegerPagesHandler(std::move(pages), std::move(api));
}

}  // namespace

Status OpenQueryAccess(Service& service) {
  const QuerySection& config = service.config().query;
  QueryAccessOptions options;
  options.log = config.log_requests;
  options.max_concurrent = config.max_concurrent;
  options.memory = {.all = config.max_bytes, .each = config.max_bytes_per_query};
  auto& access = service.Keep(std::make_unique<QueryAccess>(options, service.metrics()));
  service.OnCollect([&access](server::MetricRegistry& metrics) {
    const auto set = [&](const char* name, std::uint64_t value) {
      metrics.Set(name, {}, static_cast<double>(value));
    };
    set("tracestore_query_in_flight", access.in_flight());
    set("tracestore_query_bytes_in_flight", access.memory().used());
    set("tracestore_query_bytes_limit", access.memory().limits().all);
  });
  service.shared().query_access = &access;
  return {};
}

Status StartQuery(Service& service) {
  const QuerySection& config = service.config().query;
  LateStores& archives = *service.shared().archives;
  QueryAccess& access = *service.shared().query_access;
  PrepareJaegerQueryMetrics(service.metrics());
  net::RawGrpcServices methods = PerTenant(
      service,
      [&config, &archives, counts = CountedOverGrpc(service.metrics())](const TenantView& view) {
        return server::JaegerQueryGrpcServices(OptionsOf(config, view, archives, counts));
      });
  server::AddReflection(methods);
  net::HttpHandler handler = PerTenant(
      service,
      [&config, &archives, counts = CountedOverHttp(service.metrics())](const TenantView& view) {
        return server::MakeJaegerQueryHandler(OptionsOf(config, view, archives, counts));
      });
  if (!config.static_files.empty()) {
    TS_TRY_ASSIGN(handler, WithPages(config, std::move(handler)));
    service.Show("Jaeger's web pages", config.static_files);
  }
  if (config.static_files.empty() && !config.ui_config.empty())
    spdlog::warn("query.ui-config has no effect: query.static-files names no build of pages");
  const std::string base = config.base_path == "/" ? "" : config.base_path;
  handler = WithHeaders(config.additional_headers, Under(config.base_path, std::move(handler)));
  TS_TRY(service.ServeDual({
      .name = {"query", "Jaeger query API", "http://{}" + base + "/api/services"},
      .address = config.http,
      .handler = access.Http("query", std::move(handler), server::JaegerRefusal),
      .refusal = server::JaegerRefusal,
      .methods = access.Grpc("query", methods),
      .cors = CorsOf(config),
      .worker_threads = config.workers,
  }));
  return service.ServeGrpc({
      .name = {"query_grpc", "Jaeger query API over gRPC", "{}"},
      .address = config.grpc,
      .methods = access.Grpc("query_grpc", methods),
      .worker_threads = config.workers,
  });
}

}  // namespace tracestore::tools
