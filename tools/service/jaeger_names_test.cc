// Every flag of Jaeger 1.16 to 1.19's agent, collector, query and all-in-one that belongs to no
// storage back end is taken, as a flag and by its environment name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/environment.h"
#include "service/resolve.h"

namespace tracestore::tools {
namespace {

constexpr const char* kSwitches[] = {
    "collector.grpc.tls", "collector.grpc.tls.enabled", "query.bearer-token-propagation",
    "reporter.grpc.tls",  "reporter.grpc.tls.enabled",  "reporter.grpc.tls.skip-host-verify",
};

// A name, and a value as its users write it.
constexpr std::pair<const char*, const char*> kFlags[] = {
    {"admin-http-port", "14271"},
    {"admin.http.host-port", ":14271"},
    {"agent.tags", "key1=value1,key2=${HOME:none}"},
    {"collector.grpc-port", "14250"},
    {"collector.grpc-server.host-port", ":14250"},
    {"collector.grpc.tls.cert", "cert.pem"},
    {"collector.grpc.tls.client-ca", "ca.pem"},
    {"collector.grpc.tls.client.ca", "ca.pem"},
    {"collector.grpc.tls.key", "key.pem"},
    {"collector.host-port", "localhost:14267"},
    {"collector.http-port", "14268"},
    {"collector.http-server.host-port", ":14268"},
    {"collector.num-workers", "50"},
    {"collector.port", "14267"},
    {"collector.queue-size", "2000"},
    {"collector.queue-size-memory", "0"},
    {"collector.tags", "key1=value1"},
    {"collector.zipkin.allowed-headers", "content-type"},
    {"collector.zipkin.allowed-origins", "*"},
    {"collector.zipkin.host-port", ":9411"},
    {"collector.zipkin.http-port", "9411"},
    {"discovery.conn-check-timeout", "250ms"},
    {"discovery.min-peers", "3"},
    {"downsampling.hashsalt", "salt"},
    {"downsampling.ratio", "1"},
    {"health-check-http-port", "14269"},
    {"http-server.host-port", ":5778"},
    {"jaeger.tags", "key1=value1"},
    {"log-level", "info"},
    {"memory.max-traces", "0"},
    {"metrics-backend", "prometheus"},
    {"metrics-http-route", "/metrics"},
    {"processor.jaeger-binary.server-host-port", ":6832"},
    {"processor.jaeger-binary.server-max-packet-size", "65000"},
    {"processor.jaeger-binary.server-queue-size", "1000"},
    {"processor.jaeger-binary.server-socket-buffer-size", "0"},
    {"processor.jaeger-binary.workers", "10"},
    {"processor.jaeger-compact.server-host-port", ":6831"},
    {"processor.jaeger-compact.server-max-packet-size", "65000"},
    {"processor.jaeger-compact.server-queue-size", "1000"},
    {"processor.jaeger-compact.server-socket-buffer-size", "0"},
    {"processor.jaeger-compact.workers", "10"},
    {"processor.zipkin-compact.server-host-port", ":5775"},
    {"processor.zipkin-compact.server-max-packet-size", "65000"},
    {"processor.zipkin-compact.server-queue-size", "1000"},
    {"processor.zipkin-compact.server-socket-buffer-size", "0"},
    {"processor.zipkin-compact.workers", "10"},
    {"query.additional-headers", "Key: Value"},
    {"query.base-path", "/jaeger"},
    {"query.host-port", ":16686"},
    {"query.max-clock-skew-adjustment", "1s"},
    {"query.port", "16686"},
    {"query.static-files", "/ui"},
    {"query.ui-config", "ui.json"},
    {"reporter.grpc.discovery.min-peers", "3"},
    {"reporter.grpc.host-port", "a:14250,b:14250"},
    {"reporter.grpc.retry.max", "3"},
    {"reporter.grpc.tls.ca", "ca.pem"},
    {"reporter.grpc.tls.cert", "cert.pem"},
    {"reporter.grpc.tls.key", "key.pem"},
    {"reporter.grpc.tls.server-name", "collector"},
    {"reporter.tchannel.discovery.conn-check-timeout", "250ms"},
    {"reporter.tchannel.discovery.min-peers", "3"},
    {"reporter.tchannel.host-port", "localhost:14267"},
    {"reporter.tchannel.report-timeout", "1s"},
    {"reporter.type", "grpc"},
    {"sampling.strategies-file", "strategies.json"},
    {"sampling.strategies-reload-interval", "0s"},
    {"span-storage.type", "memory"},
};

// A flag, and that it is read from the environment under Jaeger's name.
void ExpectTaken(const std::string& name, const std::string& value) {
  for (const Role role : kRoles) {
    const auto resolved = Resolve(role, {.flags = {{name, value, "--" + name}}});
    EXPECT_TRUE(resolved.has_value()) << resolved.error().message();
  }
  if (name == "query.port") return;  // QUERY_PORT is Zipkin's
  std::vector<std::string> warnings;
  const auto given = ReadEnvironment({{EnvironmentName(name), value}}, warnings);
  ASSERT_EQ(given.size(), 1U) << EnvironmentName(name);
  EXPECT_EQ(given.front().value, value);
  EXPECT_TRUE(warnings.empty());
}

TEST(JaegerNames, EveryFlagIsTaken) {
  for (const auto& [name, value] : kFlags) ExpectTaken(name, value);
  for (const char* name : kSwitches) ExpectTaken(name, "true");
}

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
