// Random spans of two worlds, as Zipkin's and OTLP's JSON.
#pragma once
#include <cstdint>
#include <random>
#include <string>

#include <tracestore/ids.h>

namespace tracestore::server::testing {

inline constexpr std::uint64_t kBeginUs = 1'700'000'000'000'000;
inline constexpr std::uint64_t kStretchUs = 20'000;
inline constexpr const char* kServices[] = {"front", "Back", "db", "BACK"};
inline constexpr const char* kKinds[] = {"CLIENT", "SERVER", "PRODUCER", "CONSUMER"};
inline constexpr const char* kNames[] = {"get", "GET", "put", "all"};
inline constexpr const char* kKeys[] = {"error", "env", "otel.status_code",
                                        "otel.scope.name", "retry", "w3c.tracestate"};
inline constexpr const char* kValues[] = {"", "prod", "ERROR", "true", "lib", "boom"};

class World {
 public:
  // `ids`: so many different ids have the spans of all traces.
  explicit World(std::uint64_t seed, std::size_t ids = 50) : random_(seed), ids_(ids) {}

  std::size_t Below(std::size_t n) { return random_() % n; }
  template <std::size_t N>
  std::string Pick(const char* const (&from)[N]) { return from[Below(N)]; }
  bool Half() { return Below(2) == 0; }

  std::string Zipkin() {
    std::string out = "[";
    for (int i = 0; i < 30; ++i) {
      if (i > 0) out += ',';
      out += R"({"traceId":")" + Hex(1 + Below(12)) + R"(","id":")" + AnySpanId() + '"';
      if (Half()) out += R"(,"parentId":")" + AnySpanId() + '"';
      if (Half()) out += R"(,"kind":")" + Pick(kKinds) + '"';
      if (Below(8) == 0) out += R"(,"shared":true)";
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

  // Low halves of trace ids from `first` on; those of Zipkin() are 1 to 12.
  std::string Otlp(std::size_t first = 20) {
    std::string out = R"({"resourceSpans":[)";
    for (int i = 0; i < 20; ++i) {
      if (i > 0) out += ',';
      const std::uint64_t start = (kBeginUs + Below(kStretchUs)) * 1000 + Below(1000);
      out += R"({"resource":{"attributes":[)" + Attribute("service.name", Pick(kServices)) + ',' +
             Attribute(Pick(kKeys), Pick(kValues)) + R"(]},"scopeSpans":[{"scope":{"name":")" +
             (Half() ? "lib" : "") + R"(","version":")" + (Half() ? "1" : "") +
             R"("},"spans":[{"traceId":")" + Hex(first + Below(8), 32) + R"(","spanId":")" +
             AnySpanId() + R"(","name":")" + Pick(kNames) + R"(","kind":)" +
             std::to_string(Below(6)) + R"(,"startTimeUnixNano":")" + std::to_string(start) +
             R"(","endTimeUnixNano":")" + std::to_string(start + Below(5'000) - 500) + '"';
      if (Half()) out += R"(,"parentSpanId":")" + AnySpanId() + '"';
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

 private:
  std::string AnySpanId() { return Hex(100 + Below(ids_)); }
  std::string Hex(std::uint64_t value, std::size_t digits = 16) {
    std::string hex = TraceId{0, value}.ToHex();
    if (digits == 32) hex[0] = '1';
    return hex.substr(32 - digits);
  }
  static std::string Attribute(const std::string& key, const std::string& value) {
    return R"({"key":")" + key + R"(","value":{"stringValue":")" + value + "\"}}";
  }

  std::mt19937_64 random_;
  const std::size_t ids_;
};

}  // namespace tracestore::server::testing
