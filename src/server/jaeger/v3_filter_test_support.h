// query.filter asked over HTTP, without sockets.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "server/jaeger/filter_test_support.h"
#include "server/jaeger/query_api_test_support.h"

namespace tracestore::server {

inline constexpr const char* kDay =
    "query.start_time_min=2026-11-22T00:00:00Z&query.start_time_max=2026-11-23T00:00:00Z";

class V3Filter : public JaegerQuery {
 protected:
  Answer Ask(const std::string& filter, const std::string& more = "") {
    return Get(std::string("/api/v3/trace-summaries?") + kDay + more +
               "&query.filter=" + filter_json::Escaped(filter));
  }
  bool Found(const std::string& filter) {
    const Answer answer = Ask(filter);
    EXPECT_EQ(answer.status, 200) << filter << ": " << answer.body;
    return answer.body != R"({"summaries":[]})";
  }
  void Finds(const std::string& filter) { EXPECT_TRUE(Found(filter)) << filter; }
  void Misses(const std::string& filter) { EXPECT_FALSE(Found(filter)) << filter; }
  bool Is(const std::string& op, const std::string& left, const std::string& right) {
    return Found(filter_json::Call(op, {left, right}));
  }

  void Refuses(const std::string& filter, const std::string& message,
               const std::string& more = "") {
    const Answer answer = Ask(filter, more);
    EXPECT_EQ(answer.status, 400) << filter;
    EXPECT_EQ(answer.body,
              R"({"error":{"httpCode":400,"message":)" + filter_json::Quoted(message) + "}}")
        << filter;
  }
  void Malformed(const std::string& filter, const std::string& message) {
    Refuses(filter, "malformed parameter query.filter: " + message);
  }
  void Invalid(const std::string& filter, const std::string& message,
               const std::string& more = "") {
    Refuses(filter, "invalid query filter: " + message, more);
  }
};

inline const std::string kFe =
    filter_json::Call("eq", {filter_json::Field("resource.service"), filter_json::Value("fe")});
inline const std::string kBe =
    filter_json::Call("eq", {filter_json::Field("resource.service"), filter_json::Value("be")});

}  // namespace tracestore::server
