// The field numbers of opentelemetry/proto: common/v1, resource/v1, trace/v1, collector/trace/v1.
// Source: https://github.com/open-telemetry/opentelemetry-proto (numbers are stable since 1.0).
#pragma once
#include <cstdint>

namespace tracestore::codec::otlp_field {

inline constexpr std::uint32_t kRequestResourceSpans = 1;

inline constexpr std::uint32_t kResourceSpansResource = 1;
inline constexpr std::uint32_t kResourceSpansScopeSpans = 2;
inline constexpr std::uint32_t kResourceSpansSchemaUrl = 3;

inline constexpr std::uint32_t kResourceAttributes = 1;
inline constexpr std::uint32_t kResourceDroppedAttributes = 2;

inline constexpr std::uint32_t kScopeSpansScope = 1;
inline constexpr std::uint32_t kScopeSpansSpans = 2;
inline constexpr std::uint32_t kScopeSpansSchemaUrl = 3;

inline constexpr std::uint32_t kScopeName = 1;
inline constexpr std::uint32_t kScopeVersion = 2;
inline constexpr std::uint32_t kScopeAttributes = 3;
inline constexpr std::uint32_t kScopeDroppedAttributes = 4;

inline constexpr std::uint32_t kSpanTraceId = 1;
inline constexpr std::uint32_t kSpanSpanId = 2;
inline constexpr std::uint32_t kSpanTraceState = 3;
inline constexpr std::uint32_t kSpanParentSpanId = 4;
inline constexpr std::uint32_t kSpanName = 5;
inline constexpr std::uint32_t kSpanKind = 6;
inline constexpr std::uint32_t kSpanStartTime = 7;  // fixed64, Unix nanoseconds
inline constexpr std::uint32_t kSpanEndTime = 8;    // fixed64, Unix nanoseconds
inline constexpr std::uint32_t kSpanAttributes = 9;
inline constexpr std::uint32_t kSpanDroppedAttributes = 10;
inline constexpr std::uint32_t kSpanEvents = 11;
inline constexpr std::uint32_t kSpanDroppedEvents = 12;
inline constexpr std::uint32_t kSpanLinks = 13;
inline constexpr std::uint32_t kSpanDroppedLinks = 14;
inline constexpr std::uint32_t kSpanStatus = 15;
inline constexpr std::uint32_t kSpanFlags = 16;  // fixed32

inline constexpr std::uint32_t kEventTime = 1;  // fixed64
inline constexpr std::uint32_t kEventName = 2;
inline constexpr std::uint32_t kEventAttributes = 3;
inline constexpr std::uint32_t kEventDroppedAttributes = 4;

inline constexpr std::uint32_t kLinkTraceId = 1;
inline constexpr std::uint32_t kLinkSpanId = 2;
inline constexpr std::uint32_t kLinkTraceState = 3;
inline constexpr std::uint32_t kLinkAttributes = 4;
inline constexpr std::uint32_t kLinkDroppedAttributes = 5;
inline constexpr std::uint32_t kLinkFlags = 6;  // fixed32

inline constexpr std::uint32_t kStatusMessage = 2;
inline constexpr std::uint32_t kStatusCode = 3;

inline constexpr std::uint32_t kKeyValueKey = 1;
inline constexpr std::uint32_t kKeyValueValue = 2;

inline constexpr std::uint32_t kAnyString = 1;
inline constexpr std::uint32_t kAnyBool = 2;
inline constexpr std::uint32_t kAnyInt = 3;
inline constexpr std::uint32_t kAnyDouble = 4;  // fixed64
inline constexpr std::uint32_t kAnyArray = 5;
inline constexpr std::uint32_t kAnyKvList = 6;
inline constexpr std::uint32_t kAnyBytes = 7;

inline constexpr std::uint32_t kListValues = 1;  // of ArrayValue and of KeyValueList

}  // namespace tracestore::codec::otlp_field
