// Every variable of Zipkin's server that isn't of a storage back end is taken: it sets something, or a
// sentence says that it sets nothing. Those of 1.x and 2.x that later ones replaced are among them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "service/environment.h"
#include "service/resolve.h"

namespace tracestore::tools {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Resolved ReadVariables(const Environment& environment) {
  std::vector<std::string> warnings;
  const auto given = ReadEnvironment(environment, warnings);
  EXPECT_THAT(warnings, IsEmpty());
  const auto resolved = Resolve(kAllInOne, {.environment = given});
  EXPECT_TRUE(resolved.has_value()) << resolved.error().message();
  return resolved.has_value() ? *resolved : Resolved();
}

struct Effective {
  const char* name;
  const char* value;  // as its users write it
  const char* setting;
  const char* means;  // what the setting is then
};

constexpr Effective kEffective[] = {
    {"ARMERIA_SSL_ENABLED", "true", "collector.zipkin.tls.enabled", "true"},
    {"ARMERIA_SSL_KEYSTORE", "/k.p12", "collector.zipkin.tls.key-store", "/k.p12"},
    {"ARMERIA_SSL_KEYSTOREPASSWORD", "x", "collector.zipkin.tls.key-store-password", "x"},
    {"ARMERIA_SSL_KEY_STORE", "/k.p12", "collector.zipkin.tls.key-store", "/k.p12"},
    {"ARMERIA_SSL_KEY_STORE_PASSWORD", "x", "collector.zipkin.tls.key-store-password", "x"},
    {"AUTOCOMPLETE_KEYS", "environment,region", "zipkin.query.autocomplete-keys", "environment"},
    {"COLLECTOR_GRPC_ENABLED", "false", "collector.zipkin.grpc-enabled", "false"},
    {"COLLECTOR_HTTP_ENABLED", "false", "collector.zipkin.http-enabled", "false"},
    {"COLLECTOR_SAMPLE_RATE", "0.5", "collector.zipkin.sample-rate", "0.5"},
    {"COLLECTOR_SCRIBE_ENABLED", "true", "collector.scribe.host-port", "9410"},
    {"HTTP_COLLECTOR_ENABLED", "false", "collector.zipkin.http-enabled", "false"},
    {"QUERY_ENABLED", "false", "zipkin.query.enabled", "false"},
    {"QUERY_LOG_LEVEL", "WARN", "log-level", "warn"},
    {"QUERY_LOOKBACK", "3600000", "zipkin.query.lookback", "1h"},
    {"QUERY_PORT", "9000", "collector.zipkin.host-port", "9000"},
    {"QUERY_TIMEOUT", "5s", "zipkin.query.timeout", "5s"},
    {"SCRIBE_CATEGORY", "spans", "collector.scribe.category", "spans"},
    {"SCRIBE_ENABLED", "true", "collector.scribe.host-port", "9410"},
    {"SEARCH_ENABLED", "false", "zipkin.query.search-enabled", "false"},
    {"SELF_TRACING_ENABLED", "true", "self-tracing.enabled", "true"},
    {"SELF_TRACING_SAMPLE_RATE", "0.5", "self-tracing.sampling-ratio", "0.5"},
    {"SELF_TRACING_TRACES_PER_SECOND", "2", "self-tracing.traces-per-second", "2"},
    {"STORAGE_TYPE", "mem", "span-storage.type", "mem"},
    {"STRICT_TRACE_ID", "false", "zipkin.query.strict-trace-id", "false"},
    {"UI_ENABLED", "false", "zipkin.ui.enabled", "false"},
    {"ZIPKIN_QUERY_ALLOWED_ORIGINS", "http://a", "collector.zipkin.allowed-origins", "http://a"},
    {"ZIPKIN_UI_ARCHIVE_POST_URL", "http://a", "zipkin.ui.archive-post-url", "http://a"},
    {"ZIPKIN_UI_ARCHIVE_URL", "http://a", "zipkin.ui.archive-url", "http://a"},
    {"ZIPKIN_UI_BASEPATH", "/z", "zipkin.ui.base-path", "/z"},
    {"ZIPKIN_UI_DEFAULT_LOOKBACK", "60000", "zipkin.ui.default-lookback", "1m"},
    {"ZIPKIN_UI_DEPENDENCY_ENABLED", "false", "zipkin.ui.dependency.enabled", "false"},
    {"ZIPKIN_UI_DEPENDENCY_HIGH_ERROR_RATE", "0.9", "zipkin.ui.dependency.high-error-rate", "0.9"},
    {"ZIPKIN_UI_DEPENDENCY_LOW_ERROR_RATE", "0.1", "zipkin.ui.dependency.low-error-rate", "0.1"},
    {"ZIPKIN_UI_ENVIRONMENT", "test", "zipkin.ui.environment", "test"},
    {"ZIPKIN_UI_LOGS_URL", "http://a", "zipkin.ui.logs-url", "http://a"},
    {"ZIPKIN_UI_QUERY_LIMIT", "20", "zipkin.ui.query-limit", "20"},
    {"ZIPKIN_UI_SUPPORT_URL", "http://a", "zipkin.ui.support-url", "http://a"},
};

constexpr const char* kIneffective[] = {
    "ACTIVEMQ_CLIENT_ID_PREFIX",
    "ACTIVEMQ_CONCURRENCY",
    "ACTIVEMQ_PASSWORD",
    "ACTIVEMQ_QUEUE",
    "ACTIVEMQ_URL",
    "ACTIVEMQ_USERNAME",
    "ARMERIA_SSL_KEY_STORE_TYPE",
    "AUTOCOMPLETE_TTL",
    "COLLECTOR_ACTIVEMQ_ENABLED",
    "COLLECTOR_KAFKA_ENABLED",
    "COLLECTOR_PULSAR_ENABLED",
    "COLLECTOR_RABBITMQ_ENABLED",
    "DISCOVERY_EUREKA_ENABLED",
    "EUREKA_APP_NAME",
    "EUREKA_HOSTNAME",
    "EUREKA_INSTANCE_ID",
    "EUREKA_SERVICE_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_GROUP_ID",
    "KAFKA_MAX_MESSAGE_SIZE",
    "KAFKA_STREAMS",
    "KAFKA_TOPIC",
    "KAFKA_ZOOKEEPER",
    "MEM_MAX_SPANS",
    "PULSAR_CONCURRENCY",
    "PULSAR_SERVICE_URL",
    "PULSAR_SUBSCRIPTION_NAME",
    "PULSAR_TOPIC",
    "QUERY_NAMES_MAX_AGE",
    "RABBIT_ADDRESSES",
    "RABBIT_CONCURRENCY",
    "RABBIT_CONNECTION_TIMEOUT",
    "RABBIT_PASSWORD",
    "RABBIT_QUEUE",
    "RABBIT_URI",
    "RABBIT_USER",
    "RABBIT_USE_SSL",
    "RABBIT_VIRTUAL_HOST",
    "SELF_TRACING_FLUSH_INTERVAL",
    "STORAGE_THROTTLE_ENABLED",
    "STORAGE_THROTTLE_MAX_CONCURRENCY",
    "STORAGE_THROTTLE_MAX_QUEUE_SIZE",
    "STORAGE_THROTTLE_MIN_CONCURRENCY",
    "ZIPKIN_UI_INSTRUMENTED",
    "ZIPKIN_UI_SEARCH_ENABLED",
};

TEST(ZipkinNames, WhatIsTakenSetsSomething) {
  for (const Effective& variable : kEffective) {
    const Resolved resolved = ReadVariables({{variable.name, variable.value}});
    EXPECT_THAT(resolved.warnings, IsEmpty()) << variable.name;
    ASSERT_TRUE(resolved.origins.contains(variable.setting)) << variable.name;
    EXPECT_EQ(resolved.origins.at(variable.setting), variable.name);
    const auto values = ValuesOf(*FindSetting(variable.setting), resolved.config);
    ASSERT_FALSE(values.empty()) << variable.name;
    EXPECT_EQ(values.front(), variable.means) << variable.name;
  }
}

TEST(ZipkinNames, WhatSetsNothingIsSaid) {
  for (const std::string name : kIneffective) {
    const Resolved resolved = ReadVariables({{name, "1"}});
    EXPECT_THAT(resolved.warnings, ElementsAre(testing::StartsWith(name + " has no effect: ")));
    EXPECT_THAT(resolved.origins, IsEmpty()) << name;
  }
}

// Without Scribe it is Jaeger's port of TChannel.
TEST(ZipkinNames, ThePortOfScribe) {
  for (const char* on : {"COLLECTOR_SCRIBE_ENABLED", "SCRIBE_ENABLED"}) {
    const auto resolved = ReadVariables({{on, "true"}, {"COLLECTOR_PORT", "9999"}});
    EXPECT_EQ(ValuesOf(*FindSetting("collector.scribe.host-port"), resolved.config).front(), "9999");
  }
}

// As Spring reads them.
TEST(ZipkinNames, SwitchesOfScribeInAnyCase) {
  const auto scribe = [](const char* word) {
    const auto resolved =
        ReadVariables({{"COLLECTOR_SCRIBE_ENABLED", word}, {"COLLECTOR_PORT", "9999"}});
    return ValuesOf(*FindSetting("collector.scribe.host-port"), resolved.config).front();
  };
  for (const char* word : {"TRUE", "True", "yes", "on", "1"})
    EXPECT_EQ(scribe(word), "9999") << word;
  for (const char* word : {"FALSE", "no", "off", "0"}) EXPECT_EQ(scribe(word), "off") << word;
}

TEST(ZipkinNames, TheTimeOfAQueryMayBeBareOrNone) {
  const auto timeout = [](const char* text) {
    return ValuesOf(*FindSetting("zipkin.query.timeout"),
                    ReadVariables({{"QUERY_TIMEOUT", text}}).config)
        .front();
  };
  EXPECT_EQ(timeout("5000"), "5s");
  EXPECT_EQ(timeout("0"), "0s");
}

// Spring's Duration: java.time's own form, and a number with a unit in any case.
TEST(ZipkinNames, TheTimeOfAQueryMayBeIso) {
  const auto timeout = [](const char* text) -> std::string {
    std::vector<std::string> warnings;
    const auto given = ReadEnvironment({{"QUERY_TIMEOUT", text}}, warnings);
    const auto resolved = Resolve(kAllInOne, {.environment = given});
    return resolved.has_value()
               ? ValuesOf(*FindSetting("zipkin.query.timeout"), resolved->config).front()
               : resolved.error().message();
  };
  for (const auto& [text, value] :
       std::vector<std::pair<const char*, const char*>>{{"PT5S", "5s"},
                                                        {"pt1m30s", "90s"},
                                                        {"PT0.5S", "500ms"},
                                                        {"PT0,25S", "250ms"},
                                                        {"PT1.S", "1s"},
                                                        {"PT2H", "2h"},
                                                        {"P1D", "1d"},
                                                        {"P0DT1H1M", "61m"},
                                                        {"PT1M-30S", "30s"},
                                                        {"-PT-5S", "5s"},
                                                        {"+PT+5S", "5s"},
                                                        {"PT0S", "0s"},
                                                        {"5S", "5s"},
                                                        {"+5s", "5s"},
                                                        {"250MS", "250ms"}}) {
    EXPECT_EQ(timeout(text), value) << text;
  }
  constexpr const char* kTakes =
      "QUERY_TIMEOUT: 'zipkin.query.timeout' takes a duration such as 90s, 36h or 30d from 0s to "
      "86400s, not '";
  for (const char* text : {"P",
                           "PT",
                           "T5S",
                           "PT5",
                           "P5S",
                           "P1DT",
                           "PT5S1M",
                           "PT5S5S",
                           "PT-5S",
                           "-PT5S",
                           "-5s",
                           "PT0.5M",
                           "PT0.0123456789S",
                           "PT.5S",
                           "P1M",
                           "P1Y",
                           "PTT5S",
                           "PT5Sx",
                           "PT 5S",
                           "PTS",
                           "P-",
                           "PT9223372036854775807S",
                           "PT99999999999999999999S",
                           "soon"}) {
    EXPECT_EQ(timeout(text), kTakes + std::string(text) + "'");
  }
  EXPECT_EQ(timeout("PT48H"), kTakes + std::string("172800s' (PT48H)"));
}

TEST(ZipkinNames, LevelsOfTheLogThatJaegerHasNot) {
  const auto level = [](const char* value) {
    return ReadVariables({{"QUERY_LOG_LEVEL", value}}).config.log_level;
  };
  EXPECT_EQ(level("TRACE"), "debug");
  EXPECT_EQ(level("ALL"), "debug");
  EXPECT_EQ(level("OFF"), "fatal");
  EXPECT_EQ(level("Error"), "error");
}

}  // namespace
}  // namespace tracestore::tools
