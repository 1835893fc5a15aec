// The attribute-rich set as messages of each protocol that the load benchmark sends.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tracestore::bench {

enum class LoadProtocol : std::uint8_t { kOtlpGrpc, kOtlpHttp, kZipkinJson, kJaegerUdp };

// "otlp-grpc", "otlp-http", "zipkin-json", "jaeger-udp".
const char* LoadProtocolName(LoadProtocol protocol) noexcept;

struct LoadMessages {
  std::vector<std::string> messages;
  std::vector<std::uint32_t> spans;  // of each message
  std::uint64_t total_spans = 0;
  std::uint64_t total_bytes = 0;
};

// `spans` spans, all of other ids. OTLP and Zipkin: 250 spans a message (one trace's may be in
// several). Jaeger: packets of exactly `udp_spans` spans, of one process each; fewer spans in all.
// Another `seed`, other ids.
LoadMessages MakeLoad(LoadProtocol protocol, std::uint64_t spans, std::uint32_t udp_spans,
                      std::uint64_t seed);

}  // namespace tracestore::bench
