#include "net/tenancy.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace tracestore::net {
namespace {

std::shared_ptr<const TenancyOptions> Options(std::vector<std::string> tenants) {
  auto options = std::make_shared<TenancyOptions>();
  options->tenants = std::move(tenants);
  options->open = [](std::string_view path) { return path == "/health"; };
  return options;
}

HttpResponse Ask(const std::shared_ptr<const TenancyOptions>& options, const std::string& tenant,
                 const std::string& path = "/api/services", const std::string& method = "GET") {
  HttpRequest request;
  request.method = method;
  EXPECT_TRUE(request.SetTarget(path).has_value());
  if (!tenant.empty()) request.headers.emplace_back("X-Tenant", tenant);
  if (auto refusal = TenancyGate(options)(request)) return std::move(*refusal);
  return HttpResponse::Text(200, "of '" + request.tenant + "'");
}

TEST(TenantName, IsAFolderOfItsOwn) {
  for (const char* name : {"a", "shop-1", "A.b_c", "*", "(it's!)", "...", ".a"})
    EXPECT_TRUE(IsTenantName(name)) << name;
  EXPECT_TRUE(IsTenantName(std::string(150, 'a')));
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a b"),
        std::string("a\\b"), std::string("a\0b", 3), std::string("é"), std::string(151, 'a')}) {
    EXPECT_FALSE(IsTenantName(name)) << name;
  }
}

TEST(HttpTenancy, TellsTheHandlerOrRefuses) {
  EXPECT_EQ(Ask(Options({}), "shop").body, "of 'shop'");
  EXPECT_EQ(Ask(Options({"shop"}), "shop").body, "of 'shop'");
  const HttpResponse missing = Ask(Options({}), "");
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.body, "missing tenant header");
  const HttpResponse unknown = Ask(Options({"shop"}), "pay");
  EXPECT_EQ(unknown.status, 401);
  EXPECT_EQ(unknown.body, "unknown tenant");
  EXPECT_EQ(Ask(Options({}), "../shop").status, 400);
}

TEST(HttpTenancy, TheDefaultOnesMayBeUnnamed) {
  TenancyOptions options;
  options.tenants = {"shop"};
  options.default_tenant = "own";
  options.of_default = [](std::string_view path) { return path == "/sampling"; };
  const auto shared = std::make_shared<const TenancyOptions>(std::move(options));
  EXPECT_EQ(Ask(shared, "", "/sampling").body, "of 'own'");
  EXPECT_EQ(Ask(shared, "shop", "/sampling").body, "of 'shop'");
  EXPECT_EQ(Ask(shared, "pay", "/sampling").body, "unknown tenant");
  EXPECT_EQ(Ask(shared, "", "/api/services").status, 401);
}

TEST(HttpTenancy, RefusesInTheWordsItIsTold) {
  TenancyOptions options;
  options.missing = "no org id";
  options.bad_name = [](std::string_view name) { return "not " + std::string(name); };
  const auto shared = std::make_shared<const TenancyOptions>(std::move(options));
  EXPECT_EQ(Ask(shared, "").body, "no org id");
  EXPECT_EQ(Ask(shared, "a/b").body, "not a/b");
  EXPECT_EQ(Ask(shared, "a/b").status, 400);
}

TEST(HttpTenancy, LeavesOpenWhatIsNobodys) {
  EXPECT_EQ(Ask(Options({}), "", "/health").body, "of ''");
  EXPECT_EQ(Ask(Options({}), "shop", "/health").body, "of ''");
  EXPECT_EQ(Ask(Options({}), "", "/api/services", "OPTIONS").status, 401);
}

RawReply Call(const std::shared_ptr<const TenancyOptions>& options,
              const std::multimap<std::string, std::string, std::less<>>& metadata,
              const std::string& method = "/a.B/C") {
  RawRequest request;
  request.method = method;
  request.metadata = [&](std::string_view key) -> std::optional<std::string_view> {
    const auto at = metadata.find(key);
    if (at == metadata.end()) return std::nullopt;
    return at->second;
  };
  request.metadata_count = [&](std::string_view key) { return metadata.count(key); };
  RawGrpcServices methods;
  methods[method] = [](const RawRequest& inner) { return RawReply::Ok(std::string(inner.tenant)); };
  return WithTenancy(options, std::move(methods))[method](request);
}

TEST(GrpcTenancy, TellsTheHandlerOrRefuses) {
  EXPECT_EQ(Call(Options({"shop"}), {{"x-tenant", "shop"}}).bytes, "shop");
  const RawReply missing = Call(Options({}), {});
  EXPECT_EQ(missing.code, GrpcCode::kUnauthenticated);
  EXPECT_EQ(missing.message, "missing tenant header");
  const RawReply unknown = Call(Options({"shop"}), {{"x-tenant", "pay"}});
  EXPECT_EQ(unknown.code, GrpcCode::kPermissionDenied);
  EXPECT_EQ(unknown.message, "unknown tenant");
  const RawReply extra = Call(Options({}), {{"x-tenant", "a"}, {"x-tenant", "b"}});
  EXPECT_EQ(extra.code, GrpcCode::kPermissionDenied);
  EXPECT_EQ(extra.message, "extra tenant header");
  EXPECT_EQ(Call(Options({}), {{"x-tenant", ".."}}).code, GrpcCode::kInvalidArgument);
  EXPECT_EQ(Call(Options({}), {}, "/health").code, GrpcCode::kOk);
}

}  // namespace
}  // namespace tracestore::net
