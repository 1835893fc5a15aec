#include "net/authentication.h"

#include <utility>

namespace tracestore::net {
namespace {

constexpr const char* kNothingShown = "authentication is required";
constexpr const char* kNotKnown = "the credentials are not known";
constexpr const char* kNotTheirs = "the credentials are of other tenants";

// Why a request is refused, or nullptr.
const char* ProblemOf(const AuthenticationOptions& options, std::string_view path,
                      std::string_view shown, std::string_view tenant) {
  if (tenant.empty() && options.of_default && options.of_default(path))
    tenant = options.default_tenant;
  const auto who = options.credentials->Check(shown);
  if (!who) return shown.empty() ? kNothingShown : kNotKnown;
  if (options.of_no_tenant && who->tenants != nullptr) return kNotTheirs;
  // A request without a tenant is the tenants' own gate's to judge.
  return tenant.empty() || who->MayActFor(tenant) ? nullptr : kNotTheirs;
}

}  // namespace

HttpGate AuthenticationGate(AuthenticationOptions options, RefusalWords words) {
  return [options = std::move(options), words = std::move(words)](
             HttpRequest& request) -> std::optional<HttpResponse> {
    const std::string_view tenant =
        options.tenant_header.empty() ? "" : request.header(options.tenant_header);
    const char* const why =
        ProblemOf(options, request.path, request.header("authorization"), tenant);
    if (why == nullptr) return std::nullopt;
    if (options.observer) options.observer();
    const int status = why == kNotTheirs ? 403 : 401;
    HttpResponse response =
        words ? words(status, why) : HttpResponse::Text(status, std::string(why) + "\n");
    if (status == 401) {
      response.headers.emplace_back("WWW-Authenticate",
                                    "Basic realm=\"tracestore\", Bearer realm=\"tracestore\"");
    }
    return response;
  };
}

RawGrpcServices WithAuthentication(const AuthenticationOptions& options, RawGrpcServices methods) {
  for (auto& [method, handler] : methods) {
    handler = [options, inner = std::move(handler)](const RawRequest& request) {
      std::string_view tenant;
      if (!options.tenant_header.empty())
        tenant = request.metadata(options.tenant_header).value_or("");
      const char* const why = ProblemOf(options, request.method,
                                        request.metadata("authorization").value_or(""), tenant);
      if (why == nullptr) return inner(request);
      if (options.observer) options.observer();
      return RawReply::Fail(why == kNotTheirs ? GrpcCode::kPermissionDenied
                                              : GrpcCode::kUnauthenticated,
                            why);
    };
  }
  return methods;
}

}  // namespace tracestore::net
