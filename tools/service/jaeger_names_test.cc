// What Jaeger's names mean here; that each is taken is in tools/jaeger_flags_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
