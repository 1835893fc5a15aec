#include "server/pages/lens_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/pages/pages_test_support.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;

const FileTexts kBuild = {{"zipkin-lens/index.html", "<head><base href=\"/zipkin/\"></head>"},
                          {"zipkin-lens/favicon.ico", "icon"},
                          {"zipkin-lens/static/js/main.1a2b.js", "script"}};

StaticFiles Lens(const std::string& path) {
  auto files = ReadLens(path);
  EXPECT_TRUE(files.has_value()) << files.error().message();
  return files.has_value() ? *files : StaticFiles();
}

TEST(Lens, IsReadOfDirectoriesAndJars) {
  const Folder folder;
  folder.Write(kBuild);
  const std::string jar = folder.Zip("zipkin-lens-3.0.6.jar", kBuild);
  const std::string server = folder.Zip(
      "zipkin.jar", {{"BOOT-INF/lib/zipkin-lens-3.0.6.jar", ReadAll(jar)}, {"META-INF/x", "y"}});
  for (const std::string& path : {folder.path() + "/zipkin-lens", folder.path(), jar, server}) {
    const StaticFiles files = Lens(path);
    ASSERT_NE(files.Find("static/js/main.1a2b.js"), nullptr) << path;
    EXPECT_EQ(files.Find("static/js/main.1a2b.js")->bytes, "script");
  }
  const std::string none = folder.Zip("none.jar", {{"META-INF/x", "y"}});
  EXPECT_THAT(ReadLens(none).error().message(), HasSubstr("has no index.html of zipkin-lens"));
  EXPECT_EQ(ReadLens(folder.path() + "/no.jar").error().code(), ErrorCode::kNotFound);
}

TEST(Lens, TellsOfItsAnswers) {
  const Folder folder;
  folder.Write(kBuild);
  std::vector<std::string> told;
  const auto lens = MakeLensHandler(
      Lens(folder.path()), "/zipkin", Api,
      [&told](std::string_view route, int status, std::chrono::nanoseconds) {
        told.push_back(std::string(route) + " " + std::to_string(status));
      });
  for (const char* path : {"/", "/favicon.ico", "/zipkin/dependency",
                           "/zipkin/static/js/main.1a2b.js", "/zipkin/api/v2/services"})
    (void)lens(GetRequest(path));
  EXPECT_THAT(told, testing::ElementsAre("REDIRECTION 302", "REDIRECTION 302",
                                         "/zipkin/index.html 200", "/zipkin/* 200"));
}

TEST(Lens, IsUnderZipkin) {
  const Folder folder;
  folder.Write(kBuild);
  const auto lens = MakeLensHandler(Lens(folder.path()), "/zipkin", Api);
  for (const char* path : {"/zipkin/", "/zipkin/index.html", "/zipkin/traces/abc?x=1",
                           "/zipkin/dependency", "/zipkin/traceViewer"}) {
    const net::HttpResponse page = lens(GetRequest(path));
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_THAT(page.body, HasSubstr("<base href=\"/zipkin/\">"));
    EXPECT_EQ(HeaderOf(page, "Cache-Control"), "max-age=60");
  }
  const net::HttpResponse script = lens(GetRequest("/zipkin/static/js/main.1a2b.js"));
  EXPECT_EQ(script.body, "script");
  EXPECT_EQ(HeaderOf(script, "Cache-Control"), "max-age=31536000");
  EXPECT_EQ(lens(GetRequest("/zipkin/favicon.ico")).body, "icon");
  for (const auto& [from, to] : {std::pair("/", "/zipkin/"), std::pair("/zipkin", "/zipkin/"),
                                 std::pair("/favicon.ico", "/zipkin/favicon.ico")}) {
    EXPECT_EQ(lens(GetRequest(from)).status, 302);
    EXPECT_EQ(HeaderOf(lens(GetRequest(from)), "Location"), to);
  }
}

TEST(Lens, LeavesTheRestToTheApi) {
  const Folder folder;
  folder.Write(kBuild);
  const auto lens = MakeLensHandler(Lens(folder.path()), "/zipkin", Api);
  for (const std::string path : {"/api/v2/services", "/zipkin/api/v2/services",
                                 "/zipkin/config.json", "/health", "/zipkin/no",
                                 "/zipkin/traces/a/b", "/zipkin/static/no.js"}) {
    EXPECT_EQ(lens(GetRequest(path)).body, "api: GET " + path);
  }
  net::HttpRequest head = GetRequest("/zipkin/");
  head.method = "HEAD";
  EXPECT_EQ(lens(head).status, 404);
}

TEST(Lens, BehindAProxyHasItsPath) {
  const Folder folder;
  folder.Write(kBuild);
  EXPECT_THAT(MakeLensHandler(Lens(folder.path()), "/a/b", Api)(GetRequest("/zipkin/")).body,
              HasSubstr("<base href=\"/a/b/\">"));
  EXPECT_THAT(MakeLensHandler(Lens(folder.path()), "/", Api)(GetRequest("/zipkin/")).body,
              HasSubstr("<base href=\"/\">"));
}

}  // namespace
}  // namespace tracestore::server
