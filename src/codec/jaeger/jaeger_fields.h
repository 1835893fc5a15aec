// Field numbers of jaeger.api_v2 (proto/api_v2/model.proto, collector.proto, query.proto).
#pragma once
#include <cstdint>

namespace tracestore::codec::jaeger_field {

inline constexpr std::uint32_t kRequestBatch = 1;
inline constexpr std::uint32_t kBatchSpans = 1, kBatchProcess = 2;
inline constexpr std::uint32_t kChunkSpans = 1;
inline constexpr std::uint32_t kProcessServiceName = 1, kProcessTags = 2;
inline constexpr std::uint32_t kSpanTraceId = 1, kSpanSpanId = 2, kSpanOperationName = 3,
                               kSpanReferences = 4, kSpanFlags = 5, kSpanStartTime = 6,
                               kSpanDuration = 7, kSpanTags = 8, kSpanLogs = 9, kSpanProcess = 10,
                               kSpanWarnings = 12;
inline constexpr std::uint32_t kLogTimestamp = 1, kLogFields = 2;
inline constexpr std::uint32_t kRefTraceId = 1, kRefSpanId = 2, kRefType = 3;
inline constexpr std::uint32_t kTagKey = 1, kTagType = 2, kTagString = 3, kTagBool = 4, kTagInt = 5,
                               kTagDouble = 6, kTagBinary = 7;
// google.protobuf.Timestamp and Duration.
inline constexpr std::uint32_t kTimeSeconds = 1, kTimeNanos = 2;

// ValueType's numbers.
enum : std::int32_t { kString = 0, kBool = 1, kInt64 = 2, kFloat64 = 3, kBinary = 4 };

}  // namespace tracestore::codec::jaeger_field
