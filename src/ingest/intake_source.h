// IntakeSource: where a message came from, in words that metrics use as labels.
#pragma once
#include <cstdint>
#include <string_view>

namespace tracestore::ingest {

// What a protocol says of a message of which some spans are bad.
enum class BadSpans : std::uint8_t {
  kKeepOthers,     // the good ones are kept, the bad counted (OTLP, Jaeger)
  kRefuseMessage,  // none is kept (Zipkin)
};

// The texts are borrowed: constants, or the tenant of the request, valid during the call.
// `transport` and `format` become label values, so they come from the lists below, never from
// input.
struct IntakeSource {
  std::string_view transport;  // see namespace transport
  std::string_view format;     // see namespace format
  std::string_view tenant;     // "" for the default one
  BadSpans bad_spans = BadSpans::kKeepOthers;
};

namespace transport {
inline constexpr std::string_view kHttp = "http";
inline constexpr std::string_view kGrpc = "grpc";
inline constexpr std::string_view kUdp = "udp";
inline constexpr std::string_view kScribe = "scribe";
inline constexpr std::string_view kTchannel = "tchannel";
inline constexpr std::string_view kKafka = "kafka";
}  // namespace transport

namespace format {
inline constexpr std::string_view kOtlpProto = "otlp-proto";
inline constexpr std::string_view kOtlpJson = "otlp-json";
inline constexpr std::string_view kJaegerThrift = "jaeger-thrift";  // compact or binary
inline constexpr std::string_view kJaegerProto = "jaeger-proto";
inline constexpr std::string_view kZipkinThrift = "zipkin-thrift";
inline constexpr std::string_view kZipkinJsonV1 = "zipkin-json-v1";
inline constexpr std::string_view kZipkinJsonV2 = "zipkin-json-v2";
inline constexpr std::string_view kZipkinProto = "zipkin-proto";
}  // namespace format

}  // namespace tracestore::ingest
