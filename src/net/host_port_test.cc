#include "net/host_port.h"

#include <gtest/gtest.h>

namespace tracestore::net {
namespace {

TEST(HostPort, TakesEveryForm) {
  EXPECT_EQ(*ParseHostPort("10.0.0.1:4317", "127.0.0.1"), (HostPort{"10.0.0.1", 4317}));
  EXPECT_EQ(*ParseHostPort(":4317", "127.0.0.1"), (HostPort{"", 4317}));
  EXPECT_EQ(*ParseHostPort("4317", "127.0.0.1"), (HostPort{"127.0.0.1", 4317}));
  EXPECT_EQ(*ParseHostPort("[::1]:0", "127.0.0.1"), (HostPort{"::1", 0}));
  EXPECT_EQ(*ParseHostPort("localhost:65535", ""), (HostPort{"localhost", 65535}));
}

TEST(HostPort, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto parsed = ParseHostPort(text, "127.0.0.1");
    return parsed.has_value() ? std::string("accepted") : parsed.error().message();
  };
  EXPECT_EQ(message(""), "bad address \"\": expected host:port, :port or port");
  EXPECT_EQ(message("localhost"), "bad address \"localhost\": the port is missing");
  EXPECT_EQ(message("localhost:"), "bad address \"localhost:\": the port is missing");
  EXPECT_EQ(message("a:65536"),
            "bad address \"a:65536\": the port must be a number from 0 to 65535");
  EXPECT_EQ(message("a:-1"), "bad address \"a:-1\": the port must be a number from 0 to 65535");
  EXPECT_EQ(message("a:1x"), "bad address \"a:1x\": the port must be a number from 0 to 65535");
  EXPECT_EQ(message("::1:80"),
            "bad address \"::1:80\": an IPv6 host is written in brackets, [::1]:4317");
  EXPECT_EQ(message("[::1"), "bad address \"[::1\": the closing \"]\" is missing");
  EXPECT_EQ(message("[::1]"), "bad address \"[::1]\": the port is missing");
  EXPECT_EQ(message("[]:1"), "bad address \"[]:1\": the host in brackets is empty");
  EXPECT_EQ(message("http://a:1"),
            "bad address \"http://a:1\": expected host:port, not a URL");
  EXPECT_EQ(message("a b:1"), "bad address \"a b:1\": the host has a character that no host has");
}

TEST(HostPort, WritesWhatItReads) {
  for (const char* text : {"127.0.0.1:4317", "[::1]:9411", ":80"}) {
    const auto parsed = ParseHostPort(text, "");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(FormatHostPort(parsed->host, parsed->port), text);
  }
}

}  // namespace
}  // namespace tracestore::net
