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
  const auto same = flags({{"admin-http-port", "1"}, {"health-check-http-port", "2"}});
  ASSERT_FALSE(same.has_value());
  EXPECT_EQ(same.error().message(),
            "--admin-http-port and --health-check-http-port are one setting: give one of them");
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
