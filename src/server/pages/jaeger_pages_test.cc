#include "server/pages/jaeger_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "server/pages/pages_test_support.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;

const FileTexts kBuild = {
    {"index.html", "<base href=\"/\">JAEGER_CONFIG=DEFAULT_CONFIG;JAEGER_VERSION=DEFAULT_VERSION;"},
    {"static/main-1a2b.js", "script"},
    {"favicon.ico", "icon"}};

net::HttpHandler Pages(JaegerPagesOptions options) {
  auto made = MakeJaegerPagesHandler(std::move(options), Api);
  EXPECT_TRUE(made.has_value()) << made.error().message();
  return made.has_value() ? *made : net::HttpHandler(Api);
}

TEST(JaegerPages, ThePageIsAtEveryPathThatIsNoFileAndNoApi) {
  const Folder folder;
  folder.Write(kBuild);
  const auto pages = Pages({.directory = folder.path(), .base_path = "/jaeger"});
  for (const char* path : {"/", "/search?service=a", "/trace/abc", "/index.html", "/apis"}) {
    const net::HttpResponse page = pages(GetRequest(path));
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
    EXPECT_THAT(page.body, HasSubstr("<base href=\"/jaeger/\""));
    EXPECT_THAT(page.body, HasSubstr("\"gitVersion\""));
  }
  const net::HttpResponse script = pages(GetRequest("/static/main-1a2b.js"));
  EXPECT_EQ(script.body, "script");
  EXPECT_EQ(HeaderOf(script, "Cache-Control"), "max-age=31536000, immutable");
  EXPECT_EQ(pages(GetRequest("/favicon.ico")).body, "icon");
  for (const char* path : {"/static/no.js", "/static/", "/static", "/static/../index.html",
                           "/static/%2e%2e/index.html"}) {
    EXPECT_EQ(pages(GetRequest(path)).status, 404) << path;
    EXPECT_EQ(pages(GetRequest(path)).body, "404 page not found\n") << path;
  }
}

TEST(JaegerPages, TheRestIsTheApis) {
  const Folder folder;
  folder.Write(kBuild);
  const auto pages = Pages({.directory = folder.path()});
  for (const std::string path : {"/api/traces?x=1", "/api", "/api/unknown",
                                 "/analytics/v1/dependencies"}) {
    EXPECT_EQ(pages(GetRequest(path)).body, "api: GET " + path);
  }
  net::HttpRequest post = GetRequest("/search");
  post.method = "POST";
  EXPECT_EQ(pages(post).body, "api: POST /search");
}

TEST(JaegerPages, AChangedConfigurationIsTakenAndAWrongOneIsNot) {
  const Folder folder, config;
  folder.Write(kBuild);
  config.Write({{"ui.json", R"({"x":"first"})"}});
  std::vector<std::string> told;
  const std::string path = config.path() + "/ui.json";
  const auto pages = Pages({.directory = folder.path(), .ui_config = path,
                            .log = [&](const auto& s) { told.push_back(s); }});
  EXPECT_THAT(pages(GetRequest("/")).body, HasSubstr(R"(JAEGER_CONFIG = {"x":"first"};)"));
  // Times of files may be coarse: each is set apart.
  const auto begin = std::filesystem::last_write_time(path);
  const auto write = [&](const std::string& text, int seconds) {
    config.Write({{"ui.json", text}});
    std::filesystem::last_write_time(path, begin + std::chrono::seconds(seconds));
  };
  write(R"({"x":"other"})", 1);
  EXPECT_THAT(pages(GetRequest("/")).body, HasSubstr(R"(JAEGER_CONFIG = {"x":"other"};)"));
  write("{", 2);
  EXPECT_THAT(pages(GetRequest("/")).body, HasSubstr(R"(JAEGER_CONFIG = {"x":"other"};)"));
  EXPECT_THAT(pages(GetRequest("/")).body, HasSubstr(R"(JAEGER_CONFIG = {"x":"other"};)"));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0], HasSubstr("the old UI config holds on"));
  std::filesystem::remove(path);
  EXPECT_THAT(pages(GetRequest("/")).body, HasSubstr("other"));
  EXPECT_EQ(told.size(), 2U);
  write("{}", 3);
  EXPECT_THAT(pages(GetRequest("/")).body, HasSubstr("JAEGER_CONFIG = {};"));
}

TEST(JaegerPages, WhatIsNoBuildIsRefused) {
  const Folder folder;
  folder.Write({{"static/a.js", ""}});
  EXPECT_THAT(MakeJaegerPagesHandler({.directory = folder.path()}, Api).error().message(),
              HasSubstr("has no index.html"));
  EXPECT_EQ(MakeJaegerPagesHandler({.directory = folder.path() + "/no"}, Api).error().code(),
            ErrorCode::kNotFound);
  folder.Write(kBuild);
  folder.Write({{"ui.js", "var x"}, {"long.json", std::string((1 << 20) + 1, ' ')}});
  for (const auto& [name, why] : {std::pair("ui.js", "must define function UIConfig()"),
                                  std::pair("long.json", "longer than 1 MiB"),
                                  std::pair("no.json", "cannot read")}) {
    const auto made = MakeJaegerPagesHandler(
        {.directory = folder.path(), .ui_config = folder.path() + "/" + name}, Api);
    ASSERT_FALSE(made.has_value());
    EXPECT_THAT(made.error().message(), HasSubstr(why));
  }
}

}  // namespace
}  // namespace tracestore::server
