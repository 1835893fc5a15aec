#include "service/tenants.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "base/try.h"
#include "net/tenancy.h"
#include "server/tempo/tempo_api.h"
#include "service/parts.h"
#include "service/query_access.h"
#include "service/settings.h"
#include "service/store_options.h"

namespace tracestore::tools {
namespace {

bool IsSampling(std::string_view path) {
  return path == "/api/sampling" || path.starts_with("/jaeger.api_v2.SamplingManager/");
}

// Requests that are nobody's: health is of the process.
bool IsNobodys(std::string_view path) {
  static constexpr std::string_view kPaths[] = {
      "/health",
      "/info",
      "/metrics",
      "/prometheus",
      "/jaeger.storage.v1.PluginCapabilities/Capabilities",
  };
  if (std::find(std::begin(kPaths), std::end(kPaths), path) != std::end(kPaths)) return true;
  // What a Jaeger asks of its storage at the start.
  if (path.ends_with("Capabilities/Capabilities") || path.ends_with("Capabilities/GetCapabilities"))
    return true;
  // Zipkin's pages and their configuration.
  if (path.starts_with("/zipkin/") && !path.starts_with("/zipkin/api/")) return true;
  if (path.starts_with("/actuator/")) return true;
  return path.starts_with("/grpc.reflection.");
}

// A file's strategies are nobody's. What is learnt from spans, here or where they are sent on to,
// is their tenant's, whom clients that ask don't name.
void SetSampling(Service& service, net::TenancyOptions& tenancy) {
  const ServiceConfig& config = service.config();
  if (config.sampling.type != "adaptive" && !config.forward.on()) {
    tenancy.open = [](std::string_view path) { return IsNobodys(path) || IsSampling(path); };
    return;
  }
  tenancy.open = IsNobodys;
  tenancy.of_default = IsSampling;
  tenancy.default_tenant = config.tenancy.default_tenant;
  auto clients = std::make_shared<net::TenancyOptions>(tenancy);
  clients->of_default = [](std::string_view /*path*/) { return true; };
  clients->open = {};
  service.shared().sampling_tenancy = std::move(clients);
}

Result<ByTenant> Parse(const std::vector<std::string>& entries, Unit unit) {
  ByTenant out;
  for (const std::string& entry : entries) {
    const auto equals = entry.rfind('=');
    const std::string name = entry.substr(0, equals);
    if (equals == std::string::npos || !net::IsTenantName(name)) {
      return Error(ErrorCode::kInvalidArgument,
                   "'" + entry + "' is not TENANT=" + (unit == Unit::kBytes ? "SIZE" : "NUMBER"));
    }
    ServiceConfig scratch;
    const Setting setting = {.name = name,
                             .field = TS_FIELD(store.keep_bytes),
                             .group = "",
                             .help = "",
                             .unit = unit};
    TS_TRY(SetValue(setting, entry.substr(equals + 1), scratch));
    if (!out.emplace(name, scratch.store.keep_bytes).second)
      return Error(ErrorCode::kInvalidArgument, "tenant '" + name + "' stands there twice");
  }
  return out;
}

// What `make` made for each tenant that has asked.
template <class T>
class MadeOnce {
 public:
  MadeOnce(server::TenantStores& stores, std::function<T(const TenantView&)> make)
      : stores_(stores), make_(std::move(make)), nobody_(make_(TenantView())) {}

  Result<std::shared_ptr<const T>> Of(std::string_view tenant) {
    const auto found = stores_.ToRead(tenant);
    if (!found.has_value()) {
      if (found.error().code() != ErrorCode::kNotFound) return found.error();
      return std::shared_ptr<const T>(std::shared_ptr<void>(), &nobody_);
    }
    const std::lock_guard lock(mutex_);
    auto& made = made_[found->store];
    if (!made) made = std::make_shared<const T>(make_(TenantView{found->store, found->directory}));
    return made;
  }

 private:
  server::TenantStores& stores_;
  const std::function<T(const TenantView&)> make_;
  const T nobody_;
  std::mutex mutex_;
  std::map<Store*, std::shared_ptr<const T>> made_;  // guarded by mutex_
};

}  // namespace

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

Result<ByTenant> NumbersByTenant(const std::vector<std::string>& entries) {
  return Parse(entries, Unit::kNone);
}

Result<ByTenant> SizesByTenant(const std::vector<std::string>& entries) {
  return Parse(entries, Unit::kBytes);
}

Result<Snapshot> TenantView::Take() const {
  if (store != nullptr) return Counted(store->TakeSnapshot());
  AppendResult nothing;
  return SnapshotOfFiles({}, nothing);
}

net::HttpHandler PerTenant(Service& service,
                           std::function<net::HttpHandler(const TenantView& view)> make) {
  const Shared& shared = service.shared();
  if (shared.tenants == nullptr) return make({shared.store, shared.directory});
  auto& made = service.Keep(
      std::make_unique<MadeOnce<net::HttpHandler>>(*shared.tenants, std::move(make)));
  return [&made](const net::HttpRequest& request) {
    const auto handler = made.Of(request.tenant);
    if (!handler.has_value())
      return net::HttpResponse::Text(503, handler.error().message() + "\n");
    return (**handler)(request);
  };
}

net::RawGrpcServices PerTenant(Service& service,
                               std::function<net::RawGrpcServices(const TenantView& view)> make) {
  const Shared& shared = service.shared();
  if (shared.tenants == nullptr) return make({shared.store, shared.directory});
  net::RawGrpcServices out = make({shared.store, shared.directory});
  auto& made = service.Keep(
      std::make_unique<MadeOnce<net::RawGrpcServices>>(*shared.tenants, std::move(make)));
  for (auto& [method, handler] : out) {
    handler = [&made, name = method](const net::RawRequest& request) {
      const auto methods = made.Of(request.tenant);
      if (!methods.has_value())
        return net::RawReply::Fail(net::GrpcCode::kUnavailable, methods.error().message());
      return (*methods)->at(name)(request);
    };
  }
  return out;
}

Status OpenTenants(Service& service) {
  const TenancySection& config = service.config().tenancy;
  if (!config.on) return {};
  auto tenancy = std::make_shared<net::TenancyOptions>();
  tenancy->header = LowerCase(config.header);
  tenancy->tenants = config.tenants;
  SetSampling(service, *tenancy);
  auto tempo = std::make_shared<net::TenancyOptions>(*tenancy);
  tempo->header = "x-scope-orgid";
  tempo->missing = "no org id";
  tempo->bad_name = server::TempoBadTenant;
  tempo->open = server::IsTempoOpen;
  tempo->of_default = {};
  service.shared().tempo_tenancy = std::move(tempo);
  service.shared().tenancy = std::move(tenancy);
  service.Show("tenants", "by header " + config.header);
  // Where there is no store, spans are sent on, with their tenant; or all stores are read only.
  if (service.shared().store == nullptr) return {};
  TS_TRY_ASSIGN(const ByTenant keep_bytes, SizesByTenant(config.keep_bytes));
  server::TenantStoresOptions options;
  options.max_tenants = config.max_tenants;
  options.store_options = [&service, keep_bytes](const std::string& tenant) {
    StoreOptions store = StoreOptionsOf(service);
    if (const auto own = keep_bytes.find(tenant); own != keep_bytes.end())
      store.retention_bytes = own->second;
    return store;
  };
  KeepTenantStores(service, std::move(options));
  return {};
}

void KeepTenantStores(Service& service, server::TenantStoresOptions options) {
  options.directory = service.shared().directory;
  options.default_tenant = service.config().tenancy.default_tenant;
  auto& stores = service.Keep(
      std::make_unique<server::TenantStores>(service.shared().store, std::move(options)));
  service.shared().tenants = &stores;
  service.metrics().Describe("tracestore_tenants_open",
                             "Tenants whose stores are open, the default one included.");
  service.OnStop([&stores](std::chrono::milliseconds) { return stores.Close(); });
}

}  // namespace tracestore::tools
