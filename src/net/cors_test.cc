#include "net/cors.h"

#include <gtest/gtest.h>

#include <string>

namespace tracestore::net {
namespace {

HttpRequest From(const std::string& origin, const std::string& method = "GET") {
  HttpRequest request;
  request.method = method;
  EXPECT_TRUE(request.SetTarget("/x").has_value());
  if (!origin.empty()) request.headers.emplace_back("Origin", origin);
  return request;
}

std::string Header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return "";
}

HttpHandler Served(CorsOptions options) {
  return WithCors(std::move(options),
                  [](const HttpRequest&) { return HttpResponse::Text(200, "it"); });
}

TEST(Cors, NamedOriginsMayReadAnswers) {
  const auto served = Served({.origins = {"https://a.example", "https://b.example"}});
  const HttpResponse of_b = served(From("https://b.example"));
  EXPECT_EQ(of_b.body, "it");
  EXPECT_EQ(Header(of_b, "Access-Control-Allow-Origin"), "https://b.example");
  EXPECT_EQ(Header(of_b, "Vary"), "Origin");
  const HttpResponse of_c = served(From("https://c.example"));
  EXPECT_EQ(of_c.body, "it");
  EXPECT_EQ(Header(of_c, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(Header(of_c, "Vary"), "Origin");
  EXPECT_TRUE(served(From("")).headers.empty());
}

TEST(Cors, AStarIsAllOrigins) {
  const auto served = Served({.origins = {"*"}});
  EXPECT_EQ(Header(served(From("https://a.example")), "Access-Control-Allow-Origin"), "*");
}

TEST(Cors, WithoutOriginsNoPageMayAsk) {
  const auto served = Served({});
  EXPECT_TRUE(served(From("https://a.example")).headers.empty());
  EXPECT_TRUE(served(From("https://a.example", "OPTIONS")).headers.empty());
}

TEST(Cors, APreflightSaysWhatMayBeSent) {
  const auto served = Served({.origins = {"https://a.example"},
                              .methods = "GET,POST",
                              .headers = "content-type,authorization",
                              .max_age = std::chrono::seconds{60},
                              .preflight_status = 200});
  const HttpResponse allowed = served(From("https://a.example", "OPTIONS"));
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.body, "");
  EXPECT_EQ(Header(allowed, "Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(Header(allowed, "Access-Control-Allow-Methods"), "GET,POST");
  EXPECT_EQ(Header(allowed, "Access-Control-Allow-Headers"), "content-type,authorization");
  EXPECT_EQ(Header(allowed, "Access-Control-Max-Age"), "60");
  const HttpResponse refused = served(From("https://c.example", "OPTIONS"));
  EXPECT_EQ(refused.status, 200);
  EXPECT_EQ(Header(refused, "Access-Control-Allow-Methods"), "");
}

TEST(Cors, APageMayReadWhyItIsRefused) {
  const auto gate = CorsGate(CorsOptions{.origins = {"*"}}, HttpGate([](HttpRequest& request) {
                               return request.path == "/x" ? std::optional(
                                                                 HttpResponse::Text(401, "who?"))
                                                           : std::nullopt;
                             }));
  HttpRequest request = From("https://a.example");
  const auto refusal = gate(request);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(Header(*refusal, "Access-Control-Allow-Origin"), "*");
  ASSERT_TRUE(request.SetTarget("/y").has_value());
  EXPECT_FALSE(gate(request).has_value());
  // What browsers ask without credentials is let through: the handler behind answers it itself.
  HttpRequest preflight = From("https://a.example", "OPTIONS");
  EXPECT_FALSE(gate(preflight).has_value());
  EXPECT_FALSE(CorsGate(CorsOptions{.origins = {"*"}}, HttpGate()));
}

}  // namespace
}  // namespace tracestore::net
