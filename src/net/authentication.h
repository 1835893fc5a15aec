// Gates that ask who is there before a handler answers.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/credentials.h"
#include "net/grpc_server.h"
#include "net/http.h"

namespace tracestore::net {

// Words a refusal as the surface does: HttpServerOptions::error_response. Unset: text.
using RefusalWords = std::function<HttpResponse(int status, const std::string& message)>;
// Called for each refusal, any thread; must not block.
using RefusalObserver = std::function<void()>;

struct AuthenticationOptions {
  std::shared_ptr<Credentials> credentials;
  // The header, in lower case, that names the tenant (net/tenancy.h): who is bound to tenants may
  // name no other. "": there are no tenants.
  std::string tenant_header = {};
  RefusalObserver observer = {};
  // What is served belongs to no tenant: who is bound to some may not ask for it.
  bool of_no_tenant = false;
  // As TenancyOptions has them: whose a request without the header is.
  std::function<bool(std::string_view path)> of_default = {};
  std::string default_tenant = {};
};

// 401 with WWW-Authenticate for requests that show nothing, or nothing known, 403 for those that
// name a tenant who isn't theirs, of any method: where preflights are answered, CorsGate() lets
// them through.
HttpGate AuthenticationGate(AuthenticationOptions options, RefusalWords words);

// UNAUTHENTICATED and PERMISSION_DENIED likewise. Health is no raw method and stays open.
RawGrpcServices WithAuthentication(const AuthenticationOptions& options, RawGrpcServices methods);

}  // namespace tracestore::net
