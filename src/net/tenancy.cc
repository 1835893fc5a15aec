#include "net/tenancy.h"

#include <algorithm>
#include <utility>

namespace tracestore::net {
namespace {

constexpr const char* kUnknown = "unknown tenant";
constexpr const char* kExtra = "extra tenant header";
constexpr const char* kNoName =
    "a tenant's name has at most 150 letters, digits and !-_.*'() and is not . or ..";
constexpr std::size_t kMostNameBytes = 150;

bool IsKnown(const TenancyOptions& options, std::string_view tenant) {
  const auto& known = options.tenants;
  return known.empty() || std::find(known.begin(), known.end(), tenant) != known.end();
}

std::string NoName(const TenancyOptions& options, std::string_view name) {
  return options.bad_name ? options.bad_name(name) : kNoName;
}

bool IsOpen(const TenancyOptions& options, std::string_view path) {
  return options.open && options.open(path);
}

bool IsOfDefault(const TenancyOptions& options, std::string_view path) {
  return options.of_default && options.of_default(path);
}

RawReply Guard(const TenancyOptions& options, const RawHandler& inner, const RawRequest& request) {
  if (IsOpen(options, request.method)) return inner(request);
  const std::string_view tenant = request.metadata(options.header).value_or("");
  if (tenant.empty() && IsOfDefault(options, request.method)) {
    RawRequest whose = request;
    whose.tenant = options.default_tenant;
    return inner(whose);
  }
  if (tenant.empty()) return RawReply::Fail(GrpcCode::kUnauthenticated, options.missing);
  if (request.metadata_count(options.header) != 1)
    return RawReply::Fail(GrpcCode::kPermissionDenied, kExtra);
  if (!IsKnown(options, tenant)) return RawReply::Fail(GrpcCode::kPermissionDenied, kUnknown);
  if (!IsTenantName(tenant))
    return RawReply::Fail(GrpcCode::kInvalidArgument, NoName(options, tenant));
  RawRequest whose = request;
  whose.tenant = tenant;
  return inner(whose);
}

}  // namespace

bool IsTenantName(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMostNameBytes || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!-_.*'()").find(c) != std::string_view::npos;
  });
}

HttpGate TenancyGate(std::shared_ptr<const TenancyOptions> options) {
  return [options = std::move(options)](HttpRequest& request) -> std::optional<HttpResponse> {
    if (IsOpen(*options, request.path)) return std::nullopt;
    const std::string_view tenant = request.header(options->header);
    if (tenant.empty() && IsOfDefault(*options, request.path)) {
      request.tenant = options->default_tenant;
      return std::nullopt;
    }
    if (tenant.empty()) return HttpResponse::Text(401, options->missing);
    if (!IsKnown(*options, tenant)) return HttpResponse::Text(401, kUnknown);
    if (!IsTenantName(tenant)) return HttpResponse::Text(400, NoName(*options, tenant));
    request.tenant = tenant;
    return std::nullopt;
  };
}

RawGrpcServices WithTenancy(const std::shared_ptr<const TenancyOptions>& options,
                            RawGrpcServices methods) {
  for (auto& [method, handler] : methods) {
    handler = [options, inner = std::move(handler)](const RawRequest& request) {
      return Guard(*options, inner, request);
    };
  }
  return methods;
}

}  // namespace tracestore::net
