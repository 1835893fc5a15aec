#include "net/url.h"

#include <gtest/gtest.h>

namespace tracestore::net {
namespace {

TEST(ParseUrl, TakesHostsPortsAndTargets) {
  EXPECT_EQ(ParseUrl("http://localhost").value(), (Url{false, "localhost", 80, "/"}));
  EXPECT_EQ(ParseUrl("HTTPS://shop.example/a?b=c#d").value(),
            (Url{true, "shop.example", 443, "/a?b=c"}));
  EXPECT_EQ(ParseUrl("http://[::1]:14268/api/traces").value(),
            (Url{false, "::1", 14268, "/api/traces"}));
  EXPECT_EQ(ParseUrl("http://[::1]?x").value(), (Url{false, "::1", 80, "/?x"}));
  EXPECT_EQ(ParseUrl("https://h:1").value(), (Url{true, "h", 1, "/"}));
}

TEST(ParseUrl, RefusesWhatCannotBeCalled) {
  for (const char* text : {"", "h:1", "ftp://h", "http://", "http:///x", "http://:80/",
                           "http://h:0", "http://h:65536", "http://h:x", "http://u:p@h/",
                           "http://h/a b", "http://h/\r\nX: y", "http://[::1", "http://::1/"}) {
    const auto url = ParseUrl(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_EQ(url.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(url.error().message().find('\n'), std::string::npos);
  }
  EXPECT_EQ(ParseUrl("h:1").error().message(),
            "bad URL \"h:1\": it must begin with http:// or https://");
  // A password is not repeated in a log.
  EXPECT_EQ(ParseUrl("http://u:secret@h/").error().message(),
            "bad URL \"…\": a user and password can't stand in it");
}

}  // namespace
}  // namespace tracestore::net
