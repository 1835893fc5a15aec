// Tenants of a service: their settings, and handlers that each have.
#pragma once
#include <tracestore/store.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "net/grpc_server.h"
#include "net/http.h"
#include "server/tenants/tenant_stores.h"
#include "service/service.h"

namespace tracestore::tools {

// "shop=1000,*=10" as numbers, as sizes ("shop=10GiB"). Errors: kInvalidArgument.
using ByTenant = std::map<std::string, std::uint64_t, std::less<>>;
Result<ByTenant> NumbersByTenant(const std::vector<std::string>& entries);
Result<ByTenant> SizesByTenant(const std::vector<std::string>& entries);

// Of ASCII letters: how gRPC wants keys of metadata.
std::string LowerCase(std::string text);

// Keeps the stores of tenants, Shared::tenants, in Shared::directory; the default one's is
// Shared::store where that is set.
void KeepTenantStores(Service& service, server::TenantStoresOptions options);

// What a handler reads; `store` is null for a tenant of whom nothing is stored yet.
struct TenantView {
  Store* store = nullptr;
  std::string directory;

  Result<Snapshot> Take() const;  // Counted() as the query's that asks
};

// A handler that asks the one of the request's tenant; `make` is called once a tenant. Where there
// are no tenants it is the one of the store.
net::HttpHandler PerTenant(Service& service,
                           std::function<net::HttpHandler(const TenantView& view)> make);
net::RawGrpcServices PerTenant(Service& service,
                               std::function<net::RawGrpcServices(const TenantView& view)> make);

}  // namespace tracestore::tools
