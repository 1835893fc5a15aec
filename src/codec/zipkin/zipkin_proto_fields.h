// Zipkin's protobuf field numbers (docs/format/zipkin-proto.md).
#pragma once
#include <cstdint>

namespace tracestore::codec::zipkin_field {

inline constexpr std::uint32_t kListSpans = 1;

inline constexpr std::uint32_t kSpanTraceId = 1;
inline constexpr std::uint32_t kSpanParentId = 2;
inline constexpr std::uint32_t kSpanId = 3;
inline constexpr std::uint32_t kSpanKind = 4;
inline constexpr std::uint32_t kSpanName = 5;
inline constexpr std::uint32_t kSpanTimestamp = 6;
inline constexpr std::uint32_t kSpanDuration = 7;
inline constexpr std::uint32_t kSpanLocalEndpoint = 8;
inline constexpr std::uint32_t kSpanRemoteEndpoint = 9;
inline constexpr std::uint32_t kSpanAnnotations = 10;
inline constexpr std::uint32_t kSpanTags = 11;
inline constexpr std::uint32_t kSpanDebug = 12;
inline constexpr std::uint32_t kSpanShared = 13;

inline constexpr std::uint32_t kEndpointServiceName = 1;
inline constexpr std::uint32_t kEndpointIpv4 = 2;
inline constexpr std::uint32_t kEndpointIpv6 = 3;
inline constexpr std::uint32_t kEndpointPort = 4;

inline constexpr std::uint32_t kAnnotationTimestamp = 1;
inline constexpr std::uint32_t kAnnotationValue = 2;

inline constexpr std::uint32_t kTagKey = 1;
inline constexpr std::uint32_t kTagValue = 2;

// Span.Kind
inline constexpr std::uint64_t kKindClient = 1;
inline constexpr std::uint64_t kKindServer = 2;
inline constexpr std::uint64_t kKindProducer = 3;
inline constexpr std::uint64_t kKindConsumer = 4;

}  // namespace tracestore::codec::zipkin_field
