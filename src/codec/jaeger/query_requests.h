// What Jaeger's query services are asked over gRPC: the requests of api_v2.QueryService and of
// api_v3's, which have the same fields (docs/format/jaeger-grpc-query.md), as those of
// storage.v1.SpanReaderPlugin and DependenciesReaderPlugin have, and of storage.v2
// (docs/format/jaeger-storage.md).
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::codec {

// GetTrace, ArchiveTrace, GetArchiveTrace. Their range of time is a hint to Jaeger's storages, and
// passed over.
struct JaegerGetTrace {
  std::string_view trace_id;  // of the message; api_v2: bytes, api_v3: hexadecimal digits
  bool raw = false;
};

// FindTraces, FindTraceSummaries.
struct JaegerFindTraces {
  bool has_query = false;  // false: the rest says nothing
  std::string service;
  std::string operation;
  std::map<std::string, std::string> attributes;  // of a key that comes twice the last
  // Unix nanoseconds; before 1970 is 0, after 2554 the greatest. The beginning of the year 1, Go's
  // time that says nothing, is absent.
  std::optional<std::uint64_t> start_min_ns;
  std::optional<std::uint64_t> start_max_ns;
  // Cut off at about 292 years; 0: any.
  std::int64_t duration_min_ns = 0;
  std::int64_t duration_max_ns = 0;
  std::int32_t depth = 0;
  bool raw = false;
  // The structured filter, a Call for DecodeFilterProtobuf; of the message.
  std::optional<std::string_view> filter;
};

// FindTraces, FindTraceIDs, FindTraceSummaries of storage.v2.TraceReader.
struct JaegerStorageFind {
  JaegerFindTraces find;                     // without attributes and raw
  std::vector<std::string_view> attributes;  // messages KeyValue as OTLP has them; of the message
  std::uint32_t page_size = 0;               // 0: find.depth
  std::string_view page_token;               // "": the first page; of the message
};

struct JaegerGetOperations {
  std::string_view service;  // of the message
  std::string_view span_kind;
};

struct JaegerGetDependencies {
  std::optional<std::uint64_t> start_ns;
  std::optional<std::uint64_t> end_ns;
};

// Unknown fields are passed over. Errors: kInvalidArgument, where the bytes are no protobuf. At
// most ten times the message's bytes of memory. Threads: none shared.
Result<JaegerGetTrace> DecodeJaegerGetTrace(std::string_view message);
Result<JaegerFindTraces> DecodeJaegerFindTraces(std::string_view message);
Result<JaegerStorageFind> DecodeJaegerStorageFind(std::string_view message);
// The trace ids of storage.v2's GetTracesRequest; of the message.
Result<std::vector<std::string_view>> DecodeJaegerGetTraces(std::string_view message);
Result<JaegerGetOperations> DecodeJaegerGetOperations(std::string_view message);
Result<JaegerGetDependencies> DecodeJaegerGetDependencies(std::string_view message);

}  // namespace tracestore::codec
