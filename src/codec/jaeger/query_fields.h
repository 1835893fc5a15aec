// Field numbers of jaeger.api_v2's and api_v3's QueryService (proto/api_v2/query.proto,
// proto/api_v3/query_service.proto): where both have a message, its numbers are the same.
#pragma once
#include <cstdint>

namespace tracestore::codec::jaeger_query_field {

// GetTraceRequest, ArchiveTraceRequest.
inline constexpr std::uint32_t kGetTraceId = 1, kGetRaw = 4;
// FindTracesRequest, FindTraceSummariesRequest; TraceQueryParameters.
inline constexpr std::uint32_t kFindQuery = 1;
inline constexpr std::uint32_t kQueryService = 1, kQueryOperation = 2, kQueryAttributes = 3,
                               kQueryStartMin = 4, kQueryStartMax = 5, kQueryDurationMin = 6,
                               kQueryDurationMax = 7, kQueryDepth = 8, kQueryRaw = 9,
                               kQueryFilter = 10;
// Where storage.v2's TraceQueryParameters has others: 3 is repeated KeyValue.
inline constexpr std::uint32_t kStorageFilter = 9, kStoragePagination = 10;
inline constexpr std::uint32_t kPageSize = 1, kPageToken = 2;
inline constexpr std::uint32_t kGetTracesQuery = 1;
inline constexpr std::uint32_t kMapKey = 1, kMapValue = 2;
// GetOperationsRequest, GetDependenciesRequest.
inline constexpr std::uint32_t kOperationsService = 1, kOperationsKind = 2;
inline constexpr std::uint32_t kDependenciesStart = 1, kDependenciesEnd = 2;

// Answers.
inline constexpr std::uint32_t kServices = 1;
inline constexpr std::uint32_t kV2OperationNames = 1, kV2Operations = 2, kV3Operations = 1;
inline constexpr std::uint32_t kOperationName = 1, kOperationKind = 2;
inline constexpr std::uint32_t kDependencies = 1;
inline constexpr std::uint32_t kLinkParent = 1, kLinkChild = 2, kLinkCalls = 3;
inline constexpr std::uint32_t kSummaries = 1, kTraceIds = 1;
inline constexpr std::uint32_t kNextPage = 2;     // beside kSummaries and kTraceIds, of storage.v2
inline constexpr std::uint32_t kFoundTraceId = 1;
inline constexpr std::uint32_t kSummaryTraceId = 1, kSummaryRootService = 2,
                               kSummaryRootOperation = 3, kSummaryStart = 4, kSummaryEnd = 5,
                               kSummarySpans = 6, kSummaryErrors = 7, kSummaryOrphans = 8,
                               kSummaryServices = 9;
inline constexpr std::uint32_t kServiceName = 1, kServiceSpans = 2, kServiceErrors = 3;

}  // namespace tracestore::codec::jaeger_query_field
