#include "service/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/testing/source_dir.h"
#include "service/check.h"
#include "service/config_file.h"
#include "service/environment.h"
#include "service/print_config.h"
#include "service/resolve.h"

namespace tracestore::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Given Flag(std::string name, std::string value) { return {name, std::move(value), "--" + name}; }

// The sentence that Resolve refuses with.
std::string Refusal(Role role, const Sources& sources) {
  const auto resolved = Resolve(role, sources);
  return resolved.has_value() ? "(accepted)" : resolved.error().message();
}

std::string FlagRefusal(const std::string& name, const std::string& value) {
  return Refusal(kAllInOne, {.flags = {Flag(name, value)}});
}

ServiceConfig FromFlag(const std::string& name, const std::string& value, Role role = kAllInOne) {
  const auto resolved = Resolve(role, {.flags = {Flag(name, value)}});
  EXPECT_TRUE(resolved.has_value()) << resolved.error().message();
  return resolved.has_value() ? resolved->config : ServiceConfig();
}

TEST(Settings, EveryNameStandsOnceAndNoneIsABranchOfAnother) {
  std::set<std::string_view> names;
  for (const Setting& setting : Settings()) EXPECT_TRUE(names.insert(setting.name).second);
  for (const Setting& one : Settings()) {
    for (const Setting& other : Settings()) {
      EXPECT_FALSE(other.name.starts_with(std::string(one.name) + ".")) << other.name;
    }
    EXPECT_NE(one.help, "");
    EXPECT_NE(one.group, "");
    EXPECT_FALSE(one.help.ends_with('.')) << one.name;
  }
  for (const OtherName& other : OtherNames()) {
    EXPECT_TRUE(names.insert(other.name).second) << other.name;
    EXPECT_NE(FindSetting(other.setting), nullptr) << other.setting;
  }
  for (const Ignored& ignored : IgnoredNames()) {
    EXPECT_TRUE(names.insert(ignored.name).second) << ignored.name;
  }
}

TEST(Settings, EveryDefaultCanBeSaid) {
  for (const Role role : kRoles) {
    for (const Setting& setting : Settings()) {
      ServiceConfig config = DefaultsOf(role);
      const auto values = ValuesOf(setting, config);
      ClearValue(setting, config);
      for (const std::string& value : values) {
        const Status set = SetValue(setting, value, config);
        EXPECT_TRUE(set.has_value()) << set.error().message();
      }
      EXPECT_EQ(ValuesOf(setting, config), values) << setting.name;
    }
  }
}

TEST(Settings, Refusals) {
  EXPECT_EQ(FlagRefusal("sync", "ful"),
            "--sync: 'sync' is full, interval or off, not 'ful': did you mean 'full'?");
  EXPECT_EQ(FlagRefusal("keep-age", "x"),
            "--keep-age: 'keep-age' takes a duration such as 90s, 36h or 30d from 0s to "
            "3153600000s, not 'x'");
  EXPECT_EQ(FlagRefusal("keep-bytes", "12 potatoes"),
            "--keep-bytes: 'keep-bytes' takes a size such as 50GiB, not '12 potatoes'");
  EXPECT_EQ(FlagRefusal("keep-bytes", "99999999999TiB"),
            "--keep-bytes: 'keep-bytes' takes a size such as 50GiB, not '99999999999TiB'");
  EXPECT_EQ(FlagRefusal("query.host-port", "localhost"),
            "--query.host-port: 'query.host-port' takes host:port, :port, a port, or off: bad "
            "address \"localhost\": the port is missing");
  EXPECT_EQ(FlagRefusal("query.host-prt", "1"),
            "--query.host-prt: unknown setting 'query.host-prt': did you mean 'query.host-port'?");
  EXPECT_EQ(FlagRefusal("entirely-other", "1"),
            "--entirely-other: unknown setting 'entirely-other'");
  EXPECT_EQ(Refusal(kAllInOne, {.flags = {Flag("admin-port", "1"), Flag("admin-http-port", "2")}}),
            "--admin-port and --admin-http-port are one setting: give one of them");
}

TEST(Settings, FlagsBeatEnvironmentBeatsFileBeatsDefault) {
  Sources sources;
  const auto sync = [&] { return Resolve(kCollector, sources)->config.store.sync; };
  EXPECT_EQ(sync(), "interval");
  sources.file = {{"sync", "off", "a.yaml:1"}};
  EXPECT_EQ(sync(), "off");
  sources.environment = {{"sync", "full", "TRACESTORE_SYNC"}};
  EXPECT_EQ(sync(), "full");
  sources.flags = {Flag("sync", "interval")};
  EXPECT_EQ(sync(), "interval");
  EXPECT_EQ(Resolve(kCollector, sources)->origins.at("sync"), "--sync");
}

// Spans that Jaeger writes go through the pipeline, too.
TEST(Settings, RemoteStorageHasThePipelinesSettings) {
  const auto file = ParseConfig(
      "processors:\n  - action: redact\n    key: user\n    pattern: a\n"
      "ingest.max-bytes: 2MiB\nlimits.attributes: 7\nlimits.span-bytes: 2KiB\n"
      "multi-tenancy.span-rates: [\"*=5\"]\n",
      "a.yaml");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  const auto resolved = Resolve(kRemoteStorage, {.file = *file});
  ASSERT_TRUE(resolved.has_value()) << resolved.error().message();
  EXPECT_THAT(resolved->config.pipeline.processors.yaml, HasSubstr("redact"));
  EXPECT_EQ(resolved->config.pipeline.max_bytes, 2U << 20);
  EXPECT_EQ(resolved->config.pipeline.max_attributes, 7U);
  EXPECT_EQ(resolved->config.pipeline.max_span_bytes, 2048U);
  EXPECT_THAT(resolved->config.tenancy.span_rates, ElementsAre("*=5"));
  EXPECT_THAT(resolved->warnings, ElementsAre());
}

TEST(Settings, AFileThatServesSeveralIsToldOfInOneLine) {
  const std::string text =
      "sync: full\ntail-sampling.max-traces: 100\ncollector.tags: [\"a=b\", \"c=d\"]\n";
  const auto warnings = [](Role role, const std::string& yaml) {
    const auto file = ParseConfig(yaml, "b.d/a.yaml");
    EXPECT_TRUE(file.has_value()) << file.error().message();
    // The environment is everybody's.
    return Resolve(role, {.file = *file, .environment = {{"collector.tags", "a=b", "X"}}})
        ->warnings;
  };
  EXPECT_THAT(warnings(kCollector, text), ElementsAre());
  EXPECT_THAT(warnings(kQuery, "sync: full\n"),
              ElementsAre("b.d/a.yaml says what another service would take, without effect on this "
                          "one: sync"));
  EXPECT_THAT(warnings(kRemoteStorage, text),
              ElementsAre("b.d/a.yaml says what another service would take, without effect on this "
                          "one: tail-sampling.max-traces, collector.tags"));
  std::string many;
  for (const Setting& setting : Settings()) {
    if (setting.name.starts_with("reporter.") && !IsList(setting))
      many += std::string(setting.name) + ": 1\n";
  }
  const auto told = warnings(kQuery, many);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0], HasSubstr(" more"));
  EXPECT_LT(told[0].size(), 500U);
}

TEST(Settings, AListIsReplacedAsAWhole) {
  Sources sources;
  const std::string name = "collector.otlp.http.cors.allowed-origins";
  sources.file = {{name, "http://a, http://b", "a.yaml:1"}, {name, "http://c", "a.yaml:2"}};
  EXPECT_THAT(Resolve(kCollector, sources)->config.otlp.cors_origins,
              ElementsAre("http://a", "http://b", "http://c"));
  sources.flags = {Flag("cors-origin", "*")};
  EXPECT_THAT(Resolve(kCollector, sources)->config.otlp.cors_origins, ElementsAre("*"));
}

// Of several headers in one text, each begins with its name.
TEST(Settings, AHeadersValueMayHaveCommas) {
  const auto headers = [](const char* text) {
    return FromFlag("query.additional-headers", text).query.additional_headers;
  };
  EXPECT_THAT(headers("Cache-Control: no-cache, no-store"),
              ElementsAre("Cache-Control: no-cache, no-store"));
  EXPECT_THAT(headers("A: http://a, http://b,B:c, d"),
              ElementsAre("A: http://a, http://b", "B:c, d"));
  const auto file = ParseConfig(
      "query.additional-headers:\n- \"Cache-Control: no-cache, no-store\"\n- \"A: b\"\n", "a.yaml");
  EXPECT_THAT(Resolve(kQuery, {.file = *file})->config.query.additional_headers,
              ElementsAre("Cache-Control: no-cache, no-store", "A: b"));
}

TEST(Settings, Addresses) {
  EXPECT_EQ(FromFlag("query.host-port", ":80").query.http, (ListenAddress{true, "", 80}));
  EXPECT_EQ(FromFlag("query.host-port", "80").query.http, (ListenAddress{true, std::nullopt, 80}));
  EXPECT_EQ(FromFlag("query.host-port", "[::1]:80").query.http, (ListenAddress{true, "::1", 80}));
  EXPECT_FALSE(FromFlag("query.host-port", "off").query.http.on);
  // Jaeger's deprecated ports say nothing with 0; our own take a free port.
  EXPECT_EQ(FromFlag("query.port", "0").query.http.port, 16686);
  EXPECT_EQ(FromFlag("query-port", "0").query.http.port, 0);
}

TEST(Settings, SizesAndDurations) {
  EXPECT_EQ(FromFlag("keep-bytes", "2KiB").store.keep_bytes, 2048U);
  EXPECT_EQ(FromFlag("keep-bytes", "2kb").store.keep_bytes, 2000U);
  EXPECT_EQ(FromFlag("keep-bytes", "2g").store.keep_bytes, 2'000'000'000U);
  EXPECT_EQ(FromFlag("keep-age", "30d").store.keep_age, std::chrono::hours(720));
  EXPECT_EQ(FromFlag("keep-age", "1h30m").store.keep_age, std::chrono::minutes(90));
}

TEST(Settings, TheAgentHasAnotherAdminPortAndNoStore) {
  EXPECT_EQ(DefaultsOf(kAgent).admin.http.port, 14271);
  EXPECT_EQ(FromFlag("span-storage.type", "cassandra", kAgent).store.type, "embedded");
}

TEST(Settings, StorageTypes) {
  const auto check = [](Role role, const std::string& type) {
    const auto resolved =
        Resolve(role, {.file = {{"reporter.grpc.host-port", "a:1", "a.yaml:1"}},
                       .environment = {{"span-storage.type", type, "SPAN_STORAGE_TYPE"}}});
    const Status checked = CheckConfig(role, *resolved);
    return checked.has_value() ? "" : checked.error().message();
  };
  for (const char* type : {"memory", "badger", "mem", "embedded", "memory,badger"}) {
    EXPECT_EQ(check(kAllInOne, type), "");
  }
  for (const char* type : {"elasticsearch", "cassandra", "kafka"}) {
    const std::string sentence = std::string("SPAN_STORAGE_TYPE: storing spans in ") + type +
                                 " is not built yet; memory and badger name the embedded store";
    EXPECT_EQ(check(kCollector, type), sentence);
    EXPECT_EQ(check(kAgent, type), "");
  }
  EXPECT_EQ(check(kAllInOne, "badgr"),
            "SPAN_STORAGE_TYPE: unknown storage type 'badgr': did you mean 'badger'?");
}

TEST(Environment, Names) {
  std::vector<std::string> warnings;
  const auto read = [&](const Environment& environment) {
    std::vector<std::string> names;
    for (const Given& given : ReadEnvironment(environment, warnings)) {
      names.push_back(given.where + "=" + given.value);
    }
    return names;
  };
  EXPECT_EQ(EnvironmentName("collector.zipkin.host-port"), "COLLECTOR_ZIPKIN_HOST_PORT");
  EXPECT_THAT(read({{"COLLECTOR_OTLP_GRPC_HOST_PORT", ":1"}}),
              ElementsAre("COLLECTOR_OTLP_GRPC_HOST_PORT=:1"));
  EXPECT_THAT(read({{"COLLECTOR_OTLP_GRPC_HOST_PORT", ":1"},
                    {"TRACESTORE_COLLECTOR_OTLP_GRPC_HOST_PORT", ":2"}}),
              ElementsAre("TRACESTORE_COLLECTOR_OTLP_GRPC_HOST_PORT=:2"));
  EXPECT_THAT(read({{"HOST", "x"}, {"DATA", "y"}, {"SYNC", "full"}}), ElementsAre());
  EXPECT_THAT(read({{"JAEGER_LISTEN_HOST", "::1"}}), ElementsAre("JAEGER_LISTEN_HOST=::1"));
  EXPECT_THAT(read({{"ADMIN_HTTP_PORT", "tcp://10.0.0.1:80"}, {"LOG_LEVEL", ""}}), ElementsAre());
  EXPECT_THAT(read({{"COLLECTOR_SCRIBE_ENABLED", "true"}, {"COLLECTOR_PORT", "9999"}}),
              ElementsAre("TRACESTORE_COLLECTOR_SCRIBE_HOST_PORT=9999"));
  EXPECT_THAT(read({{"COLLECTOR_PORT", "14267"}}), ElementsAre("COLLECTOR_PORT=14267"));
  EXPECT_THAT(warnings, ElementsAre());
  EXPECT_THAT(read({{"TRACESTORE_SINC", "full"}}), ElementsAre());
  EXPECT_THAT(warnings, ElementsAre("TRACESTORE_SINC names no setting: did you mean "
                                    "'TRACESTORE_SYNC'?"));
}

TEST(ConfigFile, NestedAndDottedNamesAreOne) {
  const auto given = ParseConfig(
      "sync: full\n"
      "collector:\n"
      "  otlp.grpc:\n"
      "    host-port: \":1\"\n"
      "query.additional-headers: [\"A: b\", \"C: d\"]\n",
      "a.yaml");
  ASSERT_TRUE(given.has_value()) << given.error().message();
  std::vector<std::string> lines;
  for (const Given& one : *given) lines.push_back(one.where + " " + one.name + "=" + one.value);
  EXPECT_THAT(lines, ElementsAre("a.yaml:1 sync=full", "a.yaml:4 collector.otlp.grpc.host-port=:1",
                                 "a.yaml:5 query.additional-headers=A: b",
                                 "a.yaml:5 query.additional-headers=C: d"));
  EXPECT_TRUE(ParseConfig("", "a.yaml")->empty());
}

// What --print-config writes of an empty list says that it is empty.
TEST(ConfigFile, AnEmptyListIsSaid) {
  const auto given = ParseConfig("auth.except: []\n", "a.yaml");
  ASSERT_TRUE(given.has_value());
  Sources sources;
  sources.file = *given;
  const auto resolved = Resolve(kCollector, sources);
  ASSERT_TRUE(resolved.has_value());
  EXPECT_TRUE(resolved->config.auth.except.empty());
}

TEST(ConfigFile, Refusals) {
  const auto refusal = [](std::string_view text) {
    const auto given = ParseConfig(text, "a.yaml");
    if (!given.has_value()) return given.error().message();
    return Refusal(kAllInOne, {.file = *given});
  };
  EXPECT_EQ(refusal("data: x\nsnyc: full\n"),
            "a.yaml:2: unknown setting 'snyc': did you mean 'sync'?");
  EXPECT_EQ(refusal("sync:\n  full: true\n"), "a.yaml:2: unknown setting 'sync.full'");
  EXPECT_EQ(refusal("\nsync: no\n"), "a.yaml:2: 'sync' is full, interval or off, not 'no'");
  EXPECT_EQ(refusal("sync: full\n\nsync: off\n"), "a.yaml:3: 'sync' is set in line 1 already");
  EXPECT_EQ(refusal("query: {host-port: 1}\nquery.host-port: 2\n"),
            "a.yaml:2: 'query.host-port' is set in line 1 already");
  EXPECT_EQ(refusal("- a\n"), "a.yaml:1: the file is no map of settings");
  EXPECT_EQ(refusal("sync: [{a: b}]\n"), "a.yaml:1: 'sync' takes a list of texts");
  EXPECT_THAT(refusal("a: [b\n"), HasSubstr("a.yaml:2: no YAML: "));
  EXPECT_THAT(refusal(std::string(100'000, '[')), HasSubstr("a.yaml:1: no YAML: "));
  EXPECT_EQ(refusal(std::string(kMaxConfigBytes + 1, ' ')),
            "a.yaml: a configuration has at most 1 MiB");
  EXPECT_EQ(refusal("a: &a {b: *a}\n"),
            "a.yaml:1: a name of more than 1,024 bytes is no setting's");
  std::string doubled = "x0: &x0 {a: 1, b: 1}\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*x" + std::to_string(i - 1);
    doubled += "x" + std::to_string(i) + ": &x" + std::to_string(i) + " {a: " + before +
               ", b: " + before + "}\n";
  }
  EXPECT_EQ(refusal(doubled), "a.yaml:1: more than 10,000 keys and values");
  std::string many = "x: &x " + std::string(100'000, 'v') + "\ny: [*x";
  for (int i = 0; i < 50; ++i) many += ", *x";
  EXPECT_EQ(refusal(many + "]\n"), "a.yaml:1: the values are longer than 4 MiB");
  EXPECT_THAT(ReadConfigFile("/nowhere/a.yaml").error().message(),
              HasSubstr("cannot read /nowhere/a.yaml: "));
}

// docs/settings.md is what the table says; TRACESTORE_WRITE_DOCS=1 writes it.
TEST(SettingsDocument, IsUpToDate) {
  const std::string path = base::SourceDir() + "/docs/settings.md";
  if (std::getenv("TRACESTORE_WRITE_DOCS") != nullptr) std::ofstream(path) << SettingsMarkdown();
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), SettingsMarkdown()) << "TRACESTORE_WRITE_DOCS=1 writes it anew";
}

}  // namespace
}  // namespace tracestore::tools
