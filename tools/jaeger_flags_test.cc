// Every flag of Jaeger 1.16 to 1.19's agent, collector, query and all-in-one that isn't of a storage
// back end, each with the releases that have it, is taken by the command that stands for it: as a flag
// and by its environment name, with its meaning or with a sentence that it has none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "empty_values.h"
#include "net/testing/test_certificates.h"
#include "service/environment.h"
#include "service_flags.h"

namespace tracestore::tools {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr unsigned kOfAgent = kAgent | kAllInOne;
constexpr unsigned kOfCollector = kCollector | kAllInOne;
constexpr unsigned kOfQuery = kQuery | kAllInOne;
constexpr unsigned kOfStorage = kOfCollector | kOfQuery;
constexpr unsigned kAll = kOfAgent | kOfStorage;

struct JaegerFlag {
  const char* name;
  const char* value;  // as its users write it; nullptr: it is a switch
  unsigned roles;
  int first = 16, last = 19;  // 1.x
};

#define UDP_FLAGS(prefix, port)                                    \
  {prefix ".server-host-port", ":" port, kOfAgent},                \
      {prefix ".server-max-packet-size", "65000", kOfAgent},       \
      {prefix ".server-queue-size", "1000", kOfAgent},             \
      {prefix ".server-socket-buffer-size", "0", kOfAgent, 19},    \
  {                                                                \
    prefix ".workers", "10", kOfAgent                              \
  }

constexpr JaegerFlag kFlags[] = {
    // Of the services alike.
    {"admin-http-port", "14271", kAll},
    {"admin.http.host-port", ":14271", kAll, 18},
    {"config-file", "/dev/null", kAll},
    {"health-check-http-port", "14269", kAll},
    {"log-level", "info", kAll},
    {"metrics-backend", "prometheus", kAll},
    {"metrics-http-route", "/metrics", kAll},
    // Of whatever storage.
    {"downsampling.hashsalt", "salt", kOfStorage},
    {"downsampling.ratio", "1", kOfStorage},
    {"memory.max-traces", "0", kOfStorage},
    {"span-storage.type", "memory", kOfStorage},
    // Agent.
    {"agent.tags", "key1=value1,key2=${HOME:none}", kAgent},
    {"jaeger.tags", "key1=value1", kAgent},
    {"http-server.host-port", ":5778", kOfAgent},
    UDP_FLAGS("processor.jaeger-binary", "6832"),
    UDP_FLAGS("processor.jaeger-compact", "6831"),
    UDP_FLAGS("processor.zipkin-compact", "5775"),
    {"reporter.type", "grpc", kOfAgent},
    {"reporter.grpc.discovery.min-peers", "3", kOfAgent},
    {"reporter.grpc.host-port", "a:14250,b:14250", kOfAgent},
    {"reporter.grpc.retry.max", "3", kOfAgent},
    {"reporter.grpc.tls", nullptr, kOfAgent},
    {"reporter.grpc.tls.ca", "ca.pem", kOfAgent},
    {"reporter.grpc.tls.cert", "cert.pem", kOfAgent},
    {"reporter.grpc.tls.enabled", nullptr, kOfAgent, 17},
    {"reporter.grpc.tls.key", "key.pem", kOfAgent},
    {"reporter.grpc.tls.server-name", "collector", kOfAgent},
    {"reporter.grpc.tls.skip-host-verify", nullptr, kOfAgent, 17},
    {"reporter.tchannel.discovery.conn-check-timeout", "250ms", kOfAgent, 16, 17},
    {"reporter.tchannel.discovery.min-peers", "3", kOfAgent, 16, 17},
    {"reporter.tchannel.host-port", "localhost:14267", kOfAgent, 16, 17},
    {"reporter.tchannel.report-timeout", "1s", kOfAgent, 16, 17},
    {"collector.host-port", "localhost:14267", kOfAgent, 16, 17},
    {"discovery.conn-check-timeout", "250ms", kOfAgent, 16, 17},
    {"discovery.min-peers", "3", kOfAgent, 16, 17},
    // Collector.
    {"collector.grpc-port", "14250", kOfCollector},
    {"collector.grpc-server.host-port", ":14250", kOfCollector, 18},
    {"collector.grpc.tls", nullptr, kOfCollector},
    {"collector.grpc.tls.cert", "cert.pem", kOfCollector},
    {"collector.grpc.tls.client-ca", "ca.pem", kOfCollector},
    {"collector.grpc.tls.client.ca", "ca.pem", kOfCollector},
    {"collector.grpc.tls.enabled", nullptr, kOfCollector, 17},
    {"collector.grpc.tls.key", "key.pem", kOfCollector},
    {"collector.http-port", "14268", kOfCollector},
    {"collector.http-server.host-port", ":14268", kOfCollector, 18},
    {"collector.num-workers", "50", kOfCollector},
    {"collector.port", "14267", kOfCollector, 16, 18},  // 1.18: of all-in-one alone
    {"collector.queue-size", "2000", kOfCollector},
    {"collector.queue-size-memory", "0", kOfCollector, 17},
    {"collector.tags", "key1=value1", kOfCollector},
    {"collector.zipkin.allowed-headers", "content-type", kOfCollector},
    {"collector.zipkin.allowed-origins", "*", kOfCollector},
    {"collector.zipkin.host-port", ":9411", kOfCollector, 18},
    {"collector.zipkin.http-port", "9411", kOfCollector},
    {"sampling.strategies-file", "strategies.json", kOfCollector},
    {"sampling.strategies-reload-interval", "0s", kOfCollector, 18},
    // Query.
    {"query.additional-headers", "Key: Value", kOfQuery, 17},
    {"query.base-path", "/jaeger", kOfQuery},
    {"query.bearer-token-propagation", nullptr, kOfQuery},
    {"query.host-port", ":16686", kOfQuery, 18},
    {"query.max-clock-skew-adjustment", "1s", kOfQuery, 18},
    {"query.port", "16686", kOfQuery},
    {"query.static-files", "/ui", kOfQuery},
    {"query.ui-config", "ui.json", kOfQuery},
};

#undef UDP_FLAGS

// A variable for as long as this is.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    setenv(name_.c_str(), value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_.c_str()); }

 private:
  const std::string name_;
};

// What the command makes of its line; a sentence where it doesn't take it.
struct Read {
  std::string refusal;
  Resolved resolved;
};
Read ReadLine(Role role, std::vector<std::string> line) {
  // An agent without a collector is refused, whatever else it is told, and a query without a store.
  if (role == kAgent) line.insert(line.begin(), "--reporter.type=none");
  if (role == kQuery) line.insert(line.begin(), "--data=store");
  CLI::App app;
  ServiceFlags flags;
  flags.AddTo(app, role);
  Read read;
  if (auto whole = WithEmptyValues(app, line); whole.has_value()) {
    line = *std::move(whole);
  } else {
    read.refusal = whole.error().message();
    return read;
  }
  std::reverse(line.begin(), line.end());  // as CLI11 takes them
  try {
    app.parse(line);
  } catch (const CLI::Error& error) {
    read.refusal = error.what();
    return read;
  }
  auto resolved = flags.Read();
  if (!resolved.has_value()) {
    read.refusal = resolved.error().message();
  } else {
    read.resolved = std::move(resolved).value();
  }
  return read;
}

// Null: it has none here.
const Setting* SettingOf(std::string_view name) {
  for (const OtherName& other : OtherNames())
    if (other.name == name) return FindSetting(other.setting);
  return FindSetting(name);
}

std::string ValueOf(const JaegerFlag& flag) { return flag.value == nullptr ? "true" : flag.value; }

// It has set something, it is a file of settings, or its line in the log says that it sets nothing.
void ExpectMeaning(const JaegerFlag& flag, Role role, const std::string& where, const Read& read) {
  const std::string shown = std::string(RoleName(role)) + " " + where;
  ASSERT_EQ(read.refusal, "") << shown;
  if (std::string(flag.name) == "config-file") return;
  int set = 0, told = 0;
  for (const auto& [setting, origin] : read.resolved.origins) set += origin == where ? 1 : 0;
  for (const std::string& warning : read.resolved.warnings) {
    if (!warning.starts_with(where)) continue;
    ++told;
    EXPECT_THAT(warning, HasSubstr(" has no effect: ")) << shown;
  }
  EXPECT_EQ(set + told, 1) << shown;
}

// What switches of TLS need beside them, in the weakest of sources.
class TlsFile {
 public:
  TlsFile() {
    const std::string path = certs_.Path("flags.yaml");
    std::ofstream(path) << "collector.grpc.tls: {cert: " << certs_.Path("server.crt")
                        << ", key: " << certs_.Path("server.key") << "}\n";
    variable_.emplace("TRACESTORE_CONFIG", path);
  }

 private:
  const net::TestCertificates certs_;
  std::optional<Variable> variable_;
};

bool IsSwitchOfTls(const JaegerFlag& flag) {
  const std::string_view name = flag.name;
  return name == "collector.grpc.tls" || name == "collector.grpc.tls.enabled";
}

class JaegerFlags : public testing::TestWithParam<Role> {};

TEST_P(JaegerFlags, AreTaken) {
  for (const JaegerFlag& flag : kFlags) {
    if ((flag.roles & GetParam()) == 0) continue;
    std::optional<TlsFile> tls;
    if (IsSwitchOfTls(flag)) tls.emplace();
    const std::string name = std::string("--") + flag.name;
    // "--flag=value" is how both are said; "--flag value" and "--switch", too.
    if (std::string(flag.name) == "reporter.type" && GetParam() == kAgent) continue;  // see above
    ExpectMeaning(flag, GetParam(), name, ReadLine(GetParam(), {name + "=" + ValueOf(flag)}));
    std::vector<std::string> apart = {name};
    if (flag.value != nullptr) apart.emplace_back(flag.value);
    ExpectMeaning(flag, GetParam(), name, ReadLine(GetParam(), apart));
  }
}

// The names of the other services' settings are everybody's environment: nothing is said of them.
TEST_P(JaegerFlags, AreTakenFromTheEnvironment) {
  for (const JaegerFlag& flag : kFlags) {
    if ((flag.roles & GetParam()) == 0) continue;
    const std::string name = EnvironmentName(flag.name);
    if (std::string(flag.name) == "query.port") continue;     // QUERY_PORT is Zipkin's
    if (std::string(flag.name) == "reporter.type") continue;  // the line beats it, see above
    std::optional<TlsFile> tls;
    if (IsSwitchOfTls(flag)) tls.emplace();
    const Variable variable(name, ValueOf(flag));
    const Read read = ReadLine(GetParam(), {});
    const Setting* setting = SettingOf(flag.name);
    if (setting != nullptr && (setting->roles & GetParam()) == 0) {
      EXPECT_EQ(read.refusal, "") << name;
      EXPECT_THAT(read.resolved.warnings, Each(Not(HasSubstr(name + " ")))) << name;
    } else {
      ExpectMeaning(flag, GetParam(), name, read);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, JaegerFlags, testing::Values(kAgent, kCollector, kQuery, kAllInOne),
                         [](const auto& of) {
                           return of.param == kAllInOne ? "allInOne"
                                                          : std::string(RoleName(of.param));
                         });

TEST(JaegerFlagsOnly, TypeOfReporterIsAnAgents) {
  const Read read = ReadLine(kAgent, {"--reporter.type=grpc", "--reporter.grpc.host-port=a:1"});
  EXPECT_EQ(read.refusal, "");
  EXPECT_EQ(read.resolved.config.forward.type, "grpc");
}

TEST(JaegerFlagsOnly, WhatQueryDoesNotWriteIsSaid) {
  EXPECT_THAT(ReadLine(kQuery, {"--downsampling.ratio=0.5"}).resolved.warnings,
              Contains("--downsampling.ratio has no effect: query has no such part"));
}

// Templates with a variable that isn't set give such lines; Jaeger's flags take them so.
TEST(JaegerFlagsOnly, NothingAfterTheEqualsSignIsTheEmptyText) {
  const Read read = ReadLine(kCollector, {"--sampling.strategies-file=", "--data=d",
                                          "--host=", "--auth.except=", "--ports-file="});
  ASSERT_EQ(read.refusal, "");
  EXPECT_EQ(read.resolved.config.sampling.strategies_file, "");
  EXPECT_EQ(read.resolved.config.store.data, "d");
  EXPECT_EQ(read.resolved.config.host, "");
  EXPECT_TRUE(read.resolved.config.auth.except.empty());
  const Read names =
      ReadLine(kAgent, {"--reporter.grpc.tls.ca=", "--reporter.grpc.tls.server-name=foo",
                        "--reporter.grpc.tls.cert", "--config="});
  EXPECT_EQ(names.refusal, "");
  EXPECT_EQ(names.resolved.config.forward.tls.ca_file, "");
  EXPECT_EQ(names.resolved.config.forward.tls.server_name, "foo");
  EXPECT_EQ(names.resolved.config.forward.tls.cert_file, "--config=");  // a flag's value, as it is
}

TEST(JaegerFlagsOnly, NothingIsNoSwitch) {
  EXPECT_EQ(ReadLine(kAgent, {"--reporter.grpc.tls.enabled="}).refusal,
            "--reporter.grpc.tls.enabled= has no value: it takes true or false");
  EXPECT_THAT(ReadLine(kCollector, {"--sampling.delay=", "--data=d"}).refusal,
              HasSubstr("--sampling.delay: 'sampling.delay' takes"));
}

TEST(JaegerFlagsOnly, CertificatesWithoutTlsAreToldOf) {
  // Variables of whoever runs this may be told of, too.
  EXPECT_THAT(
      ReadLine(kCollector, {"--collector.http.tls.cert=c", "--collector.http.tls.client-ca=d"})
          .resolved.warnings,
      Contains("collector.http.tls.enabled isn't set: what --collector.http.tls.cert says is "
               "unused, and connections are not encrypted"));
  const net::TestCertificates certs;
  const Read with = ReadLine(kCollector, {"--collector.http.tls.cert=" + certs.Path("server.crt"),
                                          "--collector.http.tls.key=" + certs.Path("server.key"),
                                          "--collector.http.tls.enabled"});
  EXPECT_EQ(with.refusal, "");
  EXPECT_THAT(with.resolved.warnings, Not(Contains(HasSubstr("isn't set"))));
  EXPECT_EQ(
      ReadLine(kCollector, {"--collector.http.tls.enabled"}).refusal,
      "--collector.http.tls.enabled: 'collector.http.tls.enabled' needs a certificate and its "
      "key: give 'collector.http.tls.cert' and 'collector.http.tls.key'");
  EXPECT_THAT(ReadLine(kCollector, {"--multi-tenancy.tenants=shop"}).resolved.warnings,
              Contains("multi-tenancy.enabled isn't set: what --multi-tenancy.tenants says is "
                       "unused, and all spans are in one store"));
}

// Jaeger's levels may be in capitals.
TEST(JaegerFlagsOnly, LevelsInCapitals) {
  const Variable level("LOG_LEVEL", "WARN");
  EXPECT_EQ(ReadLine(kQuery, {}).resolved.config.log_level, "warn");
}

TEST(JaegerFlagsOnly, TheTypeOfSamplingByItsOldName) {
  const Variable type("SAMPLING_TYPE", "adaptive");
  EXPECT_EQ(ReadLine(kCollector, {}).resolved.config.sampling.type, "adaptive");
}

// The default ports of 1.16 to 1.19, TChannel's of 1.16 and 1.17. Zipkin's is off there by default.
TEST(JaegerFlagsOnly, PortsAreTheirs) {
  const auto port = [](Role role, const char* setting) {
    return ValuesOf(*FindSetting(setting), DefaultsOf(role)).front();
  };
  EXPECT_EQ(port(kAgent, "processor.jaeger-compact.server-host-port"), "6831");
  EXPECT_EQ(port(kAgent, "processor.jaeger-binary.server-host-port"), "6832");
  EXPECT_EQ(port(kAgent, "processor.zipkin-compact.server-host-port"), "5775");
  EXPECT_EQ(port(kAgent, "http-server.host-port"), "5778");
  EXPECT_EQ(port(kAgent, "admin.http.host-port"), "14271");
  EXPECT_EQ(port(kCollector, "collector.grpc-server.host-port"), "14250");
  EXPECT_EQ(port(kCollector, "collector.tchan-server.host-port"), "14267");
  EXPECT_EQ(port(kCollector, "collector.http-server.host-port"), "14268");
  EXPECT_EQ(port(kCollector, "admin.http.host-port"), "14269");
  EXPECT_EQ(port(kCollector, "collector.zipkin.host-port"), "9411");
  EXPECT_EQ(port(kQuery, "query.host-port"), "16686");
  EXPECT_EQ(port(kQuery, "admin.http.host-port"), "16687");
  EXPECT_EQ(port(kAllInOne, "admin.http.host-port"), "14269");
}

}  // namespace
}  // namespace tracestore::tools
