// What settings say together that cannot be: the sentences of --print-config and of a start that is
// refused.
#include "service/check.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "net/testing/test_certificates.h"
#include "service/check_tls.h"
#include "service/config_file.h"

namespace tracestore::tools {
namespace {

// "" where the file's settings are taken.
std::string Refusal(Role role, std::string_view yaml) {
  const auto file = ParseConfig(yaml, "a.yaml");
  if (!file.has_value()) return file.error().message();
  const auto resolved = Resolve(role, {.file = *file});
  if (!resolved.has_value()) return resolved.error().message();
  const Status checked = CheckConfig(role, *resolved);
  return checked.has_value() ? "" : checked.error().message();
}

class CheckTls : public testing::Test {
 protected:
  std::string File(const char* name) const { return certs_.Path(name); }
  std::string Identity() const {
    return "enabled: true, cert: " + File("server.crt") + ", key: " + File("server.key");
  }
  const net::TestCertificates certs_;
};

TEST_F(CheckTls, WhatIsMissingIsNamed) {
  EXPECT_EQ(Refusal(kCollector, "\ncollector.http.tls.enabled: true\n"),
            "a.yaml:2: 'collector.http.tls.enabled' needs a certificate and its key: give "
            "'collector.http.tls.cert' and 'collector.http.tls.key'");
  EXPECT_EQ(Refusal(kCollector, "collector.http.tls: {enabled: true, cert: a}\n"),
            "a.yaml:1: 'collector.http.tls.cert' comes with its key: give "
            "'collector.http.tls.key', too");
  EXPECT_EQ(Refusal(kCollector, "collector.http.tls: {enabled: true, key: a}\n"),
            "a.yaml:1: 'collector.http.tls.key' comes with its certificate: give "
            "'collector.http.tls.cert', too");
  EXPECT_EQ(Refusal(kCollector, "collector.zipkin.tls: {" + Identity() + ", key-store: a}\n"),
            "a.yaml:1: 'collector.zipkin.tls.key-store' stands in place of "
            "'collector.zipkin.tls.cert' and 'collector.zipkin.tls.key': give it, or both of them");
}

// Each listener of each service, whoever has it.
TEST_F(CheckTls, OfEveryListener) {
  int listeners = 0;
  for (const Setting& setting : Settings()) {
    if (!setting.name.ends_with(".tls.enabled") || setting.name.starts_with("reporter.")) continue;
    ++listeners;
    const std::string name(setting.name);
    const std::string section = name.substr(0, name.rfind('.'));
    for (const Role role : kRoles) {
      const std::string yaml =
          "data: d\nreporter.type: none\ncollector.scribe.host-port: on\n" + name + ": true\n";
      const std::string said = Refusal(role, yaml);
      EXPECT_EQ(said, (setting.roles & role) == 0
                          ? ""
                          : "a.yaml:4: '" + name + "' needs a certificate and its key: give '" +
                                section + ".cert' and '" + section + ".key'");
    }
  }
  EXPECT_EQ(listeners, 15);
}

TEST_F(CheckTls, AListenerThatIsOffHasNone) {
  EXPECT_EQ(Refusal(kCollector,
                    "collector.http-server.host-port: off\n"
                    "collector.http.tls.enabled: true\n"),
            "");
  EXPECT_EQ(Refusal(kCollector, "collector.http.tls.cert: /none\n"), "");
}

TEST_F(CheckTls, VersionsAreNamed) {
  const auto refusal = [&](const char* section, const char* versions) {
    return Refusal(kCollector, std::string(section) + ": {" + Identity() + ", " + versions + "}\n");
  };
  EXPECT_EQ(refusal("collector.zipkin.tls", "max-version: 9"),
            "a.yaml:1: 'collector.zipkin.tls.max-version' is 1.0, 1.1, 1.2, 1.3 or \"\", not '9'");
  EXPECT_EQ(refusal("collector.zipkin.tls", "max-version: 1.1"),
            "a.yaml:1: 'collector.zipkin.tls.max-version' is 1.1, below "
            "'collector.zipkin.tls.min-version', 1.2");
  EXPECT_EQ(refusal("collector.grpc.tls", "max-version: 1.2"),
            "a.yaml:1: 'collector.grpc.tls.max-version' is 1.3 or \"\" of a port of gRPC, not "
            "'1.2'");
  EXPECT_EQ(refusal("collector.grpc.tls", "max-version: 1.3"), "");
  EXPECT_EQ(refusal("collector.http.tls", "max-version: 1.2"), "");
}

TEST_F(CheckTls, FilesThatCannotBeUsedAreNamed) {
  const std::string begin = "collector.http.tls:\n  enabled: true\n  cert: ";
  const std::string good = begin + File("server.crt") + "\n  key: ";
  EXPECT_EQ(Refusal(kCollector, begin + "/none\n  key: /none\n"),
            "a.yaml:3: 'collector.http.tls.cert' can't be used: TLS certificate file /none: No "
            "such file or directory");
  EXPECT_EQ(Refusal(kCollector, good + "/none\n"),
            "a.yaml:4: 'collector.http.tls.key' can't be used: TLS key file /none: No such file or "
            "directory");
  EXPECT_EQ(Refusal(kCollector, good + File("client.key") + "\n"),
            "a.yaml:4: 'collector.http.tls.key' can't be used: TLS key file " + File("client.key") +
                ": it is not the key of the certificate in " + File("server.crt"));
  const std::string whole = good + File("server.key") + "\n";
  EXPECT_EQ(Refusal(kCollector, whole + "  client-ca: /none\n"),
            "a.yaml:5: 'collector.http.tls.client-ca' can't be used: TLS client CA file /none: No "
            "such file or directory");
  EXPECT_EQ(Refusal(kCollector, whole + "  client-ca: " + File("ca.crt") + "\n"), "");
  EXPECT_EQ(Refusal(kCollector, "collector.zipkin.tls: {enabled: true, key-store: /none}\n"),
            "a.yaml:1: 'collector.zipkin.tls.key-store' can't be used: TLS key store file /none: "
            "No such file or directory");
}

TEST_F(CheckTls, OfClientsToo) {
  const auto reporter = [&](const std::string& tls) {
    return Refusal(kAgent, "reporter: {grpc.host-port: \"a:1\", grpc.tls: {" + tls + "}}\n");
  };
  EXPECT_EQ(reporter("enabled: true"), "");
  EXPECT_EQ(reporter("enabled: true, ca: " + File("ca.crt")), "");
  EXPECT_EQ(reporter("ca: /none"), "");  // unused, as the log says
  EXPECT_EQ(reporter("enabled: true, key: a"),
            "a.yaml:1: 'reporter.grpc.tls.key' comes with its certificate: give "
            "'reporter.grpc.tls.cert', too");
  constexpr const char* kWhy = ".ca' can't be used: TLS CA file /none: No such file or directory";
  EXPECT_EQ(reporter("enabled: true, ca: /none"),
            std::string("a.yaml:1: 'reporter.grpc.tls") + kWhy);
  const auto otlp = [&](const char* address) {
    return Refusal(kAgent, std::string("reporter: {type: otlp-http, grpc.tls.ca: /none, "
                                       "otlp.host-port: \"") +
                               address + "\"}\n");
  };
  EXPECT_EQ(otlp("https://a:1"), std::string("a.yaml:1: 'reporter.grpc.tls") + kWhy);
  EXPECT_EQ(otlp("http://a:1"), "");
  EXPECT_EQ(Refusal(kCollector,
                    "sampling: {strategies-file: \"https://a/\", strategies-tls.ca: "
                    "/none}\n"),
            std::string("a.yaml:1: 'sampling.strategies-tls") + kWhy);
  EXPECT_EQ(Refusal(kAllInOne,
                    "self-tracing: {enabled: true, otlp-endpoint: \"https://a:1\", "
                    "tls.ca: /none}\n"),
            std::string("a.yaml:1: 'self-tracing.tls") + kWhy);
}

// What --print-config wrote says each setting: nothing of it is told of.
TEST(UnheededSettings, WhatIsTheDefaultIsNone) {
  const auto file =
      ParseConfig("admin.http.tls: {enabled: false, cert: \"\", min-version: 1.2}\n", "a.yaml");
  ASSERT_TRUE(file.has_value());
  const auto resolved = Resolve(kCollector, {.file = *file});
  ASSERT_TRUE(resolved.has_value());
  EXPECT_EQ(UnheededSettings(*resolved).size(), 0U);
}

TEST(CheckConfig, OfAdaptiveSamplingTheSettingIsNamed) {
  const std::string adaptive = "sampling.type: adaptive\n";
  EXPECT_EQ(Refusal(kCollector, adaptive + "sampling.aggregation-buckets: 2\n"
                                           "sampling.buckets-for-calculation: 5\n"),
            "a.yaml:3: 'sampling.buckets-for-calculation' is 5, above "
            "'sampling.aggregation-buckets', 2");
  EXPECT_EQ(Refusal(kCollector, adaptive + "sampling.calculation-interval: 48h\n"),
            "a.yaml:2: 'sampling.calculation-interval' is 172800s, not above 0 to 24h");
  EXPECT_EQ(Refusal(kCollector, adaptive + "sampling.delay: 48h\n"),
            "a.yaml:2: 'sampling.delay' is 172800s, not from 0 to 24h");
}

TEST(CheckConfig, OfTagsTheSettingIsNamed) {
  const auto refusal = [](Role role, const std::string& name) {
    return Refusal(role, "reporter.type: none\n" + name + ": [a]\n");
  };
  constexpr const char* kWhy = "': invalid Jaeger tag pair \"a\", expected key=value";
  EXPECT_EQ(refusal(kCollector, "collector.tags"), std::string("a.yaml:2: 'collector.tags") + kWhy);
  EXPECT_EQ(refusal(kAgent, "agent.tags"), std::string("a.yaml:2: 'agent.tags") + kWhy);
}

}  // namespace
}  // namespace tracestore::tools
