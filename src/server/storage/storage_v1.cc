#include "server/storage/storage_v1.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "codec/jaeger/query_fields.h"
#include "codec/jaeger/query_requests.h"
#include "codec/wire/wire_reader.h"
#include "server/jaeger/grpc_call.h"

namespace tracestore::server {
namespace {

using net::RawReply;
using net::RawRequest;
using Source = std::shared_ptr<const JaegerQuerySource>;

constexpr bool kRaw = true;
// Of CapabilitiesResponse.
constexpr std::uint32_t kArchiveReader = 1, kArchiveWriter = 2, kStreamingWriter = 3;
constexpr std::string_view kSearchFailed = "failed when searching for traces";

// Of the store or the archive. A trace that isn't there is NOT_FOUND, as Jaeger asks.
RawReply GetTrace(const Source& source, const RawRequest& request) {
  const auto get = codec::DecodeJaegerGetTrace(request.message);
  if (!get.has_value()) return BadGrpcRequest(get.error().message());
  const auto id = BinaryTraceId(get->trace_id);
  if (!id.has_value()) return BadGrpcRequest(id.error().message());
  return StreamTrace(source, request, *id, kRaw, EncodeJaegerChunk,
                     "failed to fetch spans from the backend");
}

// The query of a request. False: nothing can match.
Result<bool> ReadSearch(const RawRequest& request, Query& query) {
  const auto find = codec::DecodeJaegerFindTraces(request.message);
  if (!find.has_value()) return find.error();
  if (!find->has_query) return Error{ErrorCode::kInvalidArgument, "missing query"};
  // Jaeger's storages take a limit of 0 or less as none.
  query.limit = static_cast<std::uint32_t>(std::max(find->depth, 0));
  return ToQuery(*find, query);
}

RawReply FindTraces(const Source& source, const RawRequest& request) {
  Query query;
  const auto search = ReadSearch(request, query);
  if (!search.has_value()) return BadGrpcRequest(search.error().message());
  if (!*search) return NoMessages();
  return StreamFound(*source, request, std::move(query), kRaw, EncodeJaegerChunk, kSearchFailed);
}

RawReply FindTraceIds(const Source& source, const RawRequest& request) {
  Query query;
  const auto search = ReadSearch(request, query);
  if (!search.has_value()) return BadGrpcRequest(search.error().message());
  if (!*search) return RawReply::Ok("");
  const auto ids = FoundIds(*source, request, std::move(query));
  if (!ids.has_value()) return GrpcFailure(ids.error(), kSearchFailed);
  std::string out;
  codec::WireWriter wire(out);
  for (const TraceId& id : *ids)
    wire.BytesAlways(codec::jaeger_query_field::kTraceIds, TraceIdBytes(id));
  return RawReply::Ok(std::move(out));
}

RawReply GetDependencies(const Source& source, const RawRequest& request) {
  const auto get = codec::DecodeJaegerGetDependencies(request.message);
  if (!get.has_value()) return BadGrpcRequest(get.error().message());
  return GrpcDependencies(*source, request, get->start_ns.value_or(0),
                          get->end_ns.value_or(std::numeric_limits<std::uint64_t>::max()));
}

RawReply Capabilities(bool archive) {
  std::string out;
  codec::WireWriter wire(out);
  wire.Uint(kArchiveReader, archive ? 1 : 0);
  wire.Uint(kArchiveWriter, archive ? 1 : 0);
  wire.Uint(kStreamingWriter, 1);
  return RawReply::Ok(std::move(out));
}

}  // namespace

net::RawGrpcServices StorageV1Readers(StorageV1Options options) {
  options.store.as_stored = true;
  const auto source = std::make_shared<const JaegerQuerySource>(options.store);
  net::RawGrpcServices methods;
  const auto add = [&](const Source& of, const char* method, auto handle) {
    const std::string path = std::string("/jaeger.storage.v1.") + method;
    methods.emplace(path, Observed(of, path, [of, handle](const RawRequest& request) {
                      return handle(of, request);
                    }));
  };
  add(source, "SpanReaderPlugin/GetTrace", GetTrace);
  add(source, "SpanReaderPlugin/FindTraces", FindTraces);
  add(source, "SpanReaderPlugin/FindTraceIDs", FindTraceIds);
  add(source, "SpanReaderPlugin/GetServices",
      [](const Source& of, const RawRequest& request) { return GrpcServices(*of, request); });
  add(source, "SpanReaderPlugin/GetOperations",
      [](const Source& of, const RawRequest& request) { return GrpcOperations(*of, request); });
  add(source, "DependenciesReaderPlugin/GetDependencies", GetDependencies);
  const bool archive = static_cast<bool>(options.archive);
  add(source, "PluginCapabilities/Capabilities",
      [archive](const Source&, const RawRequest&) { return Capabilities(archive); });
  if (archive) {
    options.store.snapshot = std::move(options.archive);
    add(std::make_shared<const JaegerQuerySource>(std::move(options.store)),
        "ArchiveSpanReaderPlugin/GetArchiveTrace", GetTrace);
  }
  return methods;
}

}  // namespace tracestore::server
