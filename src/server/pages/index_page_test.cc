#include "server/pages/index_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tracestore::server {
namespace {

using testing::HasSubstr;
using testing::Not;

// The marks as Jaeger's builds have them, of the first and of the later ones.
constexpr const char* kPage = R"(<!doctype html><html><head>
<base href="/" data-inject-target="BASE_URL" />
<script>
  // JAEGER_CONFIG_JS
  // the line above may be replaced
  const JAEGER_CONFIG = DEFAULT_CONFIG;
  JAEGER_VERSION=DEFAULT_VERSION;
  const JAEGER_STORAGE_CAPABILITIES  =  DEFAULT_STORAGE_CAPABILITIES;
  const JAEGER_BACKEND_CAPABILITIES = DEFAULT_BACKEND_CAPABILITIES;
</script></head></html>
)";

JaegerIndexValues Values() {
  JaegerIndexValues values;
  values.base_path = "/";
  values.version = "1.2.3";
  values.archive = true;
  return values;
}

JaegerUiConfig Config(std::string_view path, std::string_view text) {
  auto config = ParseJaegerUiConfig(path, text);
  EXPECT_TRUE(config.has_value()) << config.error().message();
  return config.has_value() ? *config : JaegerUiConfig();
}

std::string Refusal(std::string_view path, std::string_view text) {
  const auto config = ParseJaegerUiConfig(path, text);
  return config.has_value() ? "(taken)" : config.error().message();
}

TEST(JaegerIndexPage, SaysWhatTheServiceHas) {
  const std::string page = JaegerIndexPage(kPage, Values());
  EXPECT_THAT(page, HasSubstr(R"(<base href="/" data-inject-target="BASE_URL" />)"));
  EXPECT_THAT(page, HasSubstr("const JAEGER_CONFIG = DEFAULT_CONFIG;"));
  EXPECT_THAT(page,
              HasSubstr(R"(JAEGER_VERSION = {"gitCommit":"","gitVersion":"1.2.3",)"
                        R"("buildDate":""};)"));
  EXPECT_THAT(page, HasSubstr("const JAEGER_STORAGE_CAPABILITIES = "
                              R"({"archiveStorage":true,"metricsStorage":false};)"));
  EXPECT_THAT(page, HasSubstr(R"(JAEGER_BACKEND_CAPABILITIES = {"archiveStorage":true,)"
                              R"("metricsStorage":false,"searchWithoutServiceName":true,)"
                              R"("aiAssistant":false};)"));
  EXPECT_THAT(page, HasSubstr("// JAEGER_CONFIG_JS\n"));
}

TEST(JaegerIndexPage, LinksBeginAtTheBasePath) {
  JaegerIndexValues values = Values();
  values.base_path = "/jaeger";
  EXPECT_THAT(JaegerIndexPage(kPage, values), HasSubstr(R"(<base href="/jaeger/" data-)"));
  values.base_path = "/a\"b/";
  EXPECT_THAT(JaegerIndexPage(kPage, values), HasSubstr(R"(<base href="/a&quot;b/" data-)"));
}

TEST(JaegerIndexPage, HasTheUsersConfiguration) {
  JaegerIndexValues values = Values();
  values.config = Config("ui.json", "{\n \"x\" : \"y\", \"menu\": [1, true] }");
  EXPECT_THAT(JaegerIndexPage(kPage, values),
              HasSubstr(R"(const JAEGER_CONFIG = {"x":"y","menu":[1,true]};)"));
  // No text of it ends the script, none is taken for a mark.
  values.config =
      Config("ui.json", R"({"a":"</script><!-- & JAEGER_VERSION=DEFAULT_VERSION;"})");
  const std::string page = JaegerIndexPage(kPage, values);
  EXPECT_THAT(page, HasSubstr(R"({"a":"\u003c/script\u003e\u003c!-- \u0026 JAEGER_VERSION=D)"));
}

TEST(JaegerIndexPage, HasTheUsersScript) {
  JaegerIndexValues values = Values();
  const std::string script = "function UIConfig() {\n  return {x: DEFAULT_CONFIG};\n}\n";
  values.config = Config("ui.js", script);
  const std::string page = JaegerIndexPage(kPage, values);
  EXPECT_THAT(page, HasSubstr("<script>\n" + script));
  EXPECT_THAT(page, Not(HasSubstr("JAEGER_CONFIG_JS")));
  EXPECT_THAT(page, Not(HasSubstr("the line above")));
  EXPECT_THAT(page, HasSubstr("const JAEGER_CONFIG = DEFAULT_CONFIG;"));
}

TEST(JaegerIndexPage, APageWithoutMarksStaysAsItIs) {
  for (const std::string page :
       {"", "<html></html>", "JAEGER_VERSION", "JAEGER_VERSION =", "// JAEGER_CONFIG_JS",
        "JAEGER_VERSION = DEFAULT_VERSION", "\n\n //"}) {
    JaegerIndexValues values = Values();
    values.base_path = "/jaeger";
    values.config = Config("ui.js", "function UIConfig(){}");
    EXPECT_EQ(JaegerIndexPage(page, values), page);
  }
}

TEST(JaegerUiConfig, IsAnObjectOrAFunction) {
  EXPECT_EQ(Refusal("ui.json", "{}"), "(taken)");
  EXPECT_EQ(Refusal("ui.json", "[1]"), "ui.json: a UI config is an object, not a list");
  EXPECT_THAT(Refusal("ui.json", "{"), HasSubstr("ui.json: not JSON"));
  EXPECT_EQ(Refusal("ui.yaml", "{}"),
            "unrecognized UI config file format, expecting .js or .json file: ui.yaml");
  for (const char* script : {"function UIConfig(){}", "x;function  UIConfig ( ) {",
                             "UIConfig;\nfunction\nUIConfig()\n{}"}) {
    EXPECT_EQ(Refusal("ui.js", script), "(taken)") << script;
  }
  for (const char* script : {"", "UIConfig", "function UIConfig", "function UIConfig(x){}",
                             "functionUIConfig(){}", "function UIConfigs(){}"}) {
    EXPECT_EQ(Refusal("ui.js", script), "UI config file must define function UIConfig(): ui.js")
        << script;
  }
}

}  // namespace
}  // namespace tracestore::server
