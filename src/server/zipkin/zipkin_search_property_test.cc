// What the store's index proposes misses no trace that Zipkin's rule finds: random searches over
// random traces of both worlds, against the rule applied to every trace.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "codec/json/json_writer.h"
#include "codec/zipkin/zipkin_text.h"
#include "server/zipkin/zipkin_search.h"

namespace tracestore::server {
namespace {

constexpr std::uint64_t kBeginUs = 1'700'000'000'000'000;
constexpr std::uint64_t kStretchUs = 20'000;
constexpr const char* kServices[] = {"front", "Back", "db", "BACK"};
constexpr const char* kNames[] = {"get", "GET", "put", "all"};
constexpr const char* kKeys[] = {"error", "env", "otel.status_code", "otel.scope.name", "retry",
                                 "w3c.tracestate"};
constexpr const char* kValues[] = {"", "prod", "ERROR", "true", "lib", "boom"};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  std::size_t Below(std::size_t n) { return random_() % n; }
  template <std::size_t N>
  std::string Pick(const char* const (&from)[N]) { return from[Below(N)]; }
  bool Half() { return Below(2) == 0; }

  std::string Zipkin() {
    std::string out = "[";
    for (int i = 0; i < 30; ++i) {
      if (i > 0) out += ',';
      out += R"({"traceId":")" + Hex(1 + Below(12)) + R"(","id":")" + Hex(100 + Below(50)) + '"';
      if (Half()) out += R"(,"parentId":")" + Hex(1 + Below(50)) + '"';
      if (Half()) out += R"(,"kind":"CLIENT")";
      if (Below(4) != 0) out += R"(,"timestamp":)" + std::to_string(kBeginUs + Below(kStretchUs));
      if (Half()) out += R"(,"duration":)" + std::to_string(1 + Below(5));
      out += R"(,"name":")" + Pick(kNames) + R"(","localEndpoint":{"serviceName":")" +
             Pick(kServices) + "\"}";
      if (Half()) out += R"(,"remoteEndpoint":{"serviceName":")" + Pick(kServices) + "\"}";
      if (Half()) out += R"(,"annotations":[{"timestamp":1,"value":")" + Pick(kKeys) + "\"}]";
      if (Half()) out += R"(,"tags":{")" + Pick(kKeys) + R"(":")" + Pick(kValues) + "\"}";
      out += '}';
    }
    return out + ']';
  }

  std::string Otlp() {
    std::string out = R"({"resourceSpans":[)";
    for (int i = 0; i < 20; ++i) {
      if (i > 0) out += ',';
      const std::uint64_t start = (kBeginUs + Below(kStretchUs)) * 1000 + Below(1000);
      out += R"({"resource":{"attributes":[)" + Attribute("service.name", Pick(kServices)) + ',' +
             Attribute(Pick(kKeys), Pick(kValues)) + R"(]},"scopeSpans":[{"scope":{"name":")" +
             (Half() ? "lib" : "") + R"(","version":")" + (Half() ? "1" : "") +
             R"("},"spans":[{"traceId":")" + Hex(20 + Below(8), 32) + R"(","spanId":")" +
             Hex(100 + Below(50)) + R"(","name":")" + Pick(kNames) + R"(","kind":)" +
             std::to_string(Below(6)) + R"(,"startTimeUnixNano":")" + std::to_string(start) +
             R"(","endTimeUnixNano":")" + std::to_string(start + Below(5'000) - 500) + '"';
      if (Half()) out += R"(,"parentSpanId":")" + Hex(1 + Below(50)) + '"';
      if (Half()) out += R"(,"traceState":"lib")";
      if (Half()) {
        out += R"(,"status":{"code":)" + std::to_string(1 + Below(2)) + R"(,"message":")" +
               Pick(kValues) + "\"}";
      }
      out += R"(,"attributes":[)" + Attribute(Pick(kKeys), Pick(kValues)) + ',' +
             Attribute(Half() ? "peer.service" : "server.address", Pick(kServices)) +
             R"(],"events":[{"timeUnixNano":"5","name":")" + Pick(kKeys) + '"';
      if (Half()) out += R"(,"attributes":[)" + Attribute("env", "prod") + ']';
      out += "}]}]}]}";
    }
    return out + "]}";
  }

  ZipkinSearch Search() {
    ZipkinSearch search;
    const auto name = [&](auto& from) {
      return Below(3) == 0 ? codec::ZipkinLowerCase(Pick(from)) : "";
    };
    search.service = name(kServices);
    search.remote_service = name(kServices);
    search.span_name = name(kNames);
    for (std::size_t i = Below(3); i > 0; --i) {
      search.annotations[Below(6) == 0 ? R"({"env":{"env":"prod"}})" : Pick(kKeys)] =
          Half() ? "" : Pick(kValues);
    }
    if (Below(3) == 0) {
      search.min_duration_us = 1 + Below(5);
      if (Half()) search.max_duration_us = *search.min_duration_us + Below(3);
    }
    search.end_ms = kBeginUs / 1000 + Below(kStretchUs / 1000 + 2);
    search.begin_ms = search.end_ms - Below(kStretchUs / 1000);
    search.limit = 1'000;
    return search;
  }

 private:
  std::string Hex(std::uint64_t value, std::size_t digits = 16) {
    std::string hex = TraceId{0, value}.ToHex();
    if (digits == 32) hex[0] = '1';
    return hex.substr(32 - digits);
  }
  static std::string Attribute(const std::string& key, const std::string& value) {
    return R"({"key":")" + key + R"(","value":{"stringValue":")" + value + "\"}}";
  }

  std::mt19937_64 random_;
};

TEST(ZipkinSearchProperty, TheIndexMissesNothingThatTheRuleFinds) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    World world(seed);
    AppendResult report;
    const auto snapshot = SnapshotOfFiles({world.Zipkin(), world.Otlp()}, report);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    ASSERT_EQ(report.rejected, 0U) << report.first_error;
    Query all;
    all.limit = 0;
    const auto traces = snapshot->Find(all);
    ASSERT_TRUE(traces.has_value());
    for (int i = 0; i < 50; ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", search " + std::to_string(i));
      const ZipkinSearch search = world.Search();
      std::vector<TraceId> expected;
      for (const FoundTrace& trace : traces->traces) {
        const auto spans = GetZipkinTrace(*snapshot, trace.trace_id, true);
        ASSERT_TRUE(spans.has_value());
        if (Matches(*spans, search)) expected.push_back(trace.trace_id);
      }
      std::vector<TraceId> given;
      ZipkinTraces stream(*snapshot, search, true);
      for (auto next = stream.Next();; next = stream.Next()) {
        ASSERT_TRUE(next.has_value()) << next.error().message();
        if (!*next) break;
        given.push_back((*next)->spans[(*next)->rows[0]].trace_id());
      }
      EXPECT_EQ(given, expected);  // both newest first
      found += given.size();
    }
  }
  EXPECT_GT(found, 500U);  // the searches are not all in vain
}

}  // namespace
}  // namespace tracestore::server
