// Whose a request is: the tenant that one of its headers names.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/grpc_server.h"
#include "net/http.h"

namespace tracestore::net {

// Whether a tenant may have that name, which is also a folder's: letters, digits and !-_.*'(), at
// most 150 bytes, and neither "." nor "..".
bool IsTenantName(std::string_view name) noexcept;

struct TenancyOptions {
  std::string header = "x-tenant";   // in lower case
  std::vector<std::string> tenants;  // that there are; empty: every name that may be one
  // Requests that are nobody's and need no header: by the path, or the gRPC method. Unset: none.
  std::function<bool(std::string_view path)> open;
  // Requests that may come without the header, and whose they are then. Unset: none.
  std::function<bool(std::string_view path)> of_default;
  std::string default_tenant;
  // The sentences of refusals, where they aren't Jaeger's: without the header, and for a name that
  // can't be one.
  std::string missing = "missing tenant header";
  std::function<std::string(std::string_view name)> bad_name;
};

// Sets HttpRequest::tenant (HttpServerOptions::gate). 401 "missing tenant header" or "unknown
// tenant", as Jaeger says it; 400 for a name that can't be one.
HttpGate TenancyGate(std::shared_ptr<const TenancyOptions> options);

// Sets RawRequest::tenant. UNAUTHENTICATED "missing tenant header", PERMISSION_DENIED "unknown
// tenant" or "extra tenant header", INVALID_ARGUMENT.
RawGrpcServices WithTenancy(const std::shared_ptr<const TenancyOptions>& options,
                            RawGrpcServices methods);

}  // namespace tracestore::net
