// What Jaeger's names mean here; that each is taken is in tools/jaeger_flags_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "service/environment.h"
#include "service/resolve.h"

namespace tracestore::tools {
namespace {

// As Jaeger's agents have it: builder.go of 1.17, CreateCollectorProxy.
TEST(JaegerNames, ACollectorByTchannelAloneIsSentToByTchannel) {
  const auto forward = [](Role role, std::vector<Given> flags) {
    const auto resolved = Resolve(role, {.flags = std::move(flags)});
    EXPECT_TRUE(resolved.has_value());
    EXPECT_TRUE(resolved->warnings.empty());
    return resolved->config.forward;
  };
  const Given old{"collector.host-port", "a:14267,b:14267", "--collector.host-port"};
  const Given grpc{"reporter.grpc.host-port", "c:14250", "--reporter.grpc.host-port"};
  EXPECT_EQ(forward(kAgent, {old}).type, "tchannel");
  EXPECT_EQ(forward(kAgent, {old}).tchannel_collectors,
            (std::vector<std::string>{"a:14267", "b:14267"}));
  EXPECT_EQ(forward(kAgent, {old, grpc}).type, "grpc");
  EXPECT_EQ(forward(kAgent, {}).type, "grpc");
  EXPECT_EQ(forward(kCollector, {old}).type, "none");
}

// Jaeger's default is 250 ms.
TEST(JaegerNames, TheTimeToConnectByTchannelIsTaken) {
  const std::string old = "discovery.conn-check-timeout";
  for (const std::string& name : {old, "reporter.tchannel." + old}) {
    const auto resolved = Resolve(kAgent, {.flags = {{name, "250ms", "--" + name}}});
    ASSERT_TRUE(resolved.has_value()) << resolved.error().message();
    EXPECT_TRUE(resolved->warnings.empty());
    EXPECT_EQ(resolved->config.forward.tchannel_connect_timeout, std::chrono::milliseconds(250));
  }
}

// As applyDefaults() of Jaeger's builder.go; packets are no longer than UDP's.
TEST(JaegerNames, ZeroIsTheDefaultOfUdpPorts) {
  const auto udp = [](const char* leaf, const char* value) {
    const std::string name = std::string("processor.jaeger-compact.") + leaf;
    const auto resolved = Resolve(kAgent, {.flags = {{name, value, "--" + name}}});
    EXPECT_TRUE(resolved.has_value()) << resolved.error().message();
    return resolved.has_value() ? resolved->config.jaeger.compact : UdpSection();
  };
  EXPECT_EQ(udp("server-max-packet-size", "0").max_packet_bytes, 65'000U);
  EXPECT_EQ(udp("server-queue-size", "0").queue_packets, 1'000U);
  EXPECT_EQ(udp("server-max-packet-size", "70000").max_packet_bytes, 70'000U);
}

TEST(JaegerNames, HeadersOfZipkinsPagesAreTaken) {
  const std::string name = "collector.zipkin.allowed-headers";
  const auto resolved =
      Resolve(kCollector, {.flags = {{name, "content-type,x-custom", "--" + name}}});
  ASSERT_TRUE(resolved.has_value());
  EXPECT_TRUE(resolved->warnings.empty());
  EXPECT_THAT(resolved->config.zipkin.allowed_headers,
              testing::ElementsAre("content-type", "x-custom"));
}

// A deprecated port beats the address, unless it is 0; of other names the newer one counts.
TEST(JaegerNames, OfTwoNamesJaegersOwnChoiceIsTaken) {
  constexpr const char* kAddress = "collector.grpc-server.host-port";
  const auto flags = [](std::vector<std::pair<std::string, std::string>> named) {
    std::vector<Given> given;
    for (auto& [name, value] : named) given.push_back({name, value, "--" + name});
    return Resolve(kCollector, {.flags = given});
  };
  for (const bool reversed : {false, true}) {
    std::vector<std::pair<std::string, std::string>> both = {{kAddress, ":1"},
                                                             {"collector.grpc-port", "2"}};
    if (reversed) std::swap(both[0], both[1]);
    const auto resolved = flags(both);
    ASSERT_TRUE(resolved.has_value()) << resolved.error().message();
    EXPECT_EQ(resolved->config.jaeger.grpc.port, 2);
    EXPECT_THAT(resolved->warnings,
                testing::ElementsAre(std::string("--") + kAddress +
                                     " has no effect: --collector.grpc-port says it"));
  }
  EXPECT_EQ(flags({{kAddress, ":1"}, {"collector.grpc-port", "0"}})->config.jaeger.grpc.port, 1);
  const auto tls = flags({{"collector.grpc.tls.enabled", "true"}, {"collector.grpc.tls", "false"}});
  ASSERT_TRUE(tls.has_value()) << tls.error().message();
  EXPECT_TRUE(tls->config.tls.jaeger_grpc.enabled);
  // Of two deprecated ports the older one; 0 says nothing.
  const auto admin = [&](const char* port, const char* health, bool reversed) {
    std::vector<std::pair<std::string, std::string>> both = {{"admin-http-port", port},
                                                             {"health-check-http-port", health}};
    if (reversed) std::swap(both[0], both[1]);
    both.insert(both.begin(), {"admin.http.host-port", ":3"});
    const auto resolved = flags(both);
    EXPECT_TRUE(resolved.has_value()) << resolved.error().message();
    return resolved.has_value() ? resolved->config.admin.http.port : 0;
  };
  for (const bool reversed : {false, true}) {
    EXPECT_EQ(admin("1", "2", reversed), 2);
    EXPECT_EQ(admin("1", "0", reversed), 1);
    EXPECT_EQ(admin("0", "2", reversed), 2);
    EXPECT_EQ(admin("0", "0", reversed), 3);
  }
}

// A port that one of the names encrypts is encrypted; the old client CA counts, as Jaeger has it.
TEST(JaegerNames, OldNamesOfTlsAreNotPassedOver) {
  constexpr const char* kOld = "collector.grpc.tls";
  constexpr const char* kNew = "collector.grpc.tls.enabled";
  const auto on = [&](std::vector<Given> given) {
    const auto resolved = Resolve(kCollector, {.flags = std::move(given)});
    EXPECT_TRUE(resolved.has_value()) << resolved.error().message();
    return resolved->config.tls.jaeger_grpc.enabled;
  };
  EXPECT_TRUE(on({{kOld, "true", "--old"}, {kNew, "false", "--new"}}));
  EXPECT_TRUE(on({{kNew, "false", "--new"}, {kOld, "true", "--old"}}));
  EXPECT_TRUE(on({{kNew, "true", "--new"}, {kOld, "false", "--old"}}));
  EXPECT_FALSE(on({{kNew, "false", "--new"}, {kOld, "false", "--old"}}));
  const auto ca = [](const char* old) {
    const auto resolved =
        Resolve(kCollector, {.flags = {{"collector.grpc.tls.client-ca", "new", "--new"},
                                       {"collector.grpc.tls.client.ca", old, "--old"}}});
    EXPECT_TRUE(resolved.has_value()) << resolved.error().message();
    return resolved->config.tls.jaeger_grpc.client_ca_file;
  };
  EXPECT_EQ(ca("old"), "old");
  EXPECT_EQ(ca(""), "new");
  std::vector<std::string> warnings;
  const auto resolved =
      Resolve(kCollector, {.environment = ReadEnvironment({{"COLLECTOR_GRPC_TLS", "true"},
                                                           {"COLLECTOR_GRPC_TLS_ENABLED", "false"},
                                                           {"COLLECTOR_GRPC_TLS_CLIENT_CA", "a"},
                                                           {"ADMIN_HTTP_PORT", "1"},
                                                           {"HEALTH_CHECK_HTTP_PORT", "2"}},
                                                          warnings)});
  ASSERT_TRUE(resolved.has_value()) << resolved.error().message();
  EXPECT_TRUE(resolved->config.tls.jaeger_grpc.enabled);
  EXPECT_EQ(resolved->config.tls.jaeger_grpc.client_ca_file, "a");
  EXPECT_EQ(resolved->config.admin.http.port, 2);
  EXPECT_THAT(warnings, testing::UnorderedElementsAre(
                            "COLLECTOR_GRPC_TLS_ENABLED has no effect: COLLECTOR_GRPC_TLS says it",
                            "ADMIN_HTTP_PORT has no effect: HEALTH_CHECK_HTTP_PORT says it"));
}

TEST(JaegerNames, SoItIsInTheEnvironment) {
  std::vector<std::string> warnings;
  const auto zipkin = [&](const Environment& environment) {
    const auto resolved =
        Resolve(kCollector, {.environment = ReadEnvironment(environment, warnings)});
    EXPECT_TRUE(resolved.has_value());
    return resolved->config.zipkin.address.port;
  };
  const std::pair<std::string, std::string> address = {"COLLECTOR_ZIPKIN_HOST_PORT", ":8888"};
  EXPECT_EQ(zipkin({address, {"COLLECTOR_ZIPKIN_HTTP_PORT", "0"}}), 8888);
  EXPECT_EQ(zipkin({{"TRACESTORE_COLLECTOR_ZIPKIN_HOST_PORT", ":1"},
                    {"COLLECTOR_ZIPKIN_HTTP_PORT", "9999"}}),
            1);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(zipkin({address, {"COLLECTOR_ZIPKIN_HTTP_PORT", "9999"}}), 9999);
  EXPECT_THAT(warnings, testing::ElementsAre("COLLECTOR_ZIPKIN_HOST_PORT has no effect: "
                                             "COLLECTOR_ZIPKIN_HTTP_PORT says it"));
}

// One environment for agents and collectors: only agents have reporters, but by our names.
TEST(JaegerNames, ReportersOfTheEnvironmentAreAgents) {
  const auto forward = [](Role role, const std::string& prefix) {
    std::vector<std::string> warnings;
    const auto given = ReadEnvironment({{prefix + "REPORTER_TYPE", "grpc"},
                                        {prefix + "REPORTER_GRPC_HOST_PORT", "a:1"},
                                        {"BADGER_DIRECTORY_VALUE", "/data"}},
                                       warnings);
    const auto resolved = Resolve(role, {.environment = given});
    EXPECT_TRUE(resolved.has_value());
    return *resolved;
  };
  EXPECT_EQ(forward(kAgent, "").config.forward.grpc_collectors, std::vector<std::string>{"a:1"});
  const Resolved collector = forward(kCollector, "");
  EXPECT_FALSE(collector.config.forward.on());
  EXPECT_TRUE(collector.config.forward.grpc_collectors.empty());
  EXPECT_TRUE(collector.warnings.empty());
  const Resolved sending = forward(kCollector, "TRACESTORE_");
  EXPECT_TRUE(sending.config.forward.on());
  EXPECT_THAT(sending.warnings,
              testing::ElementsAre("BADGER_DIRECTORY_VALUE has no effect: spans are sent on, as "
                                   "reporter.type says"));
}

TEST(JaegerNames, WhatHasNoEffectIsSaid) {
  const auto resolved =
      Resolve(kCollector, {.flags = {{"collector.num-workers", "50", "--collector.num-workers"}}});
  ASSERT_TRUE(resolved.has_value());
  EXPECT_THAT(resolved->warnings,
              testing::ElementsAre("--collector.num-workers has no effect: a span is written "
                                   "before it is acknowledged: there is no queue and no pool "
                                   "behind it"));
}

}  // namespace
}  // namespace tracestore::tools
