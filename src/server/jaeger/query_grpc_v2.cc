#include "server/jaeger/query_grpc_v2.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/try.h"
#include "codec/jaeger/query_requests.h"
#include "server/jaeger/grpc_call.h"

namespace tracestore::server {
namespace {

using net::RawReply;
using net::RawRequest;

Result<TraceId> RequiredId(std::string_view bytes) {
  TS_TRY_ASSIGN(const TraceId id, BinaryTraceId(bytes));
  if (id == TraceId())
    return Error{ErrorCode::kInvalidArgument, "uninitialized TraceID is not allowed"};
  return id;
}

class JaegerV2Grpc {
 public:
  explicit JaegerV2Grpc(std::shared_ptr<const JaegerQuerySource> source)
      : source_(std::move(source)) {}

  RawReply GetTrace(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetTrace(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    const auto id = RequiredId(get->trace_id);
    if (!id.has_value()) return BadGrpcRequest(id.error().message());
    return StreamTrace(source_, request, *id, get->raw, EncodeJaegerChunk,
                       "failed to fetch spans from the backend");
  }

  RawReply ArchiveTrace(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetTrace(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    const auto id = RequiredId(get->trace_id);
    if (!id.has_value()) return BadGrpcRequest(id.error().message());
    constexpr std::string_view kWhat = "failed to archive trace";
    const auto& archive = source_->options().archive;
    if (!archive) {
      return GrpcFailure({ErrorCode::kUnsupported, "archive span storage was not configured"},
                         kWhat);
    }
    const auto archived = archive(*id);
    if (!archived.has_value()) return GrpcFailure(archived.error(), kWhat);
    return archived->traces == 0 ? NoSuchTrace() : RawReply::Ok("");
  }

  RawReply FindTraces(const RawRequest& request) const {
    const auto find = codec::DecodeJaegerFindTraces(request.message);
    if (!find.has_value()) return BadGrpcRequest(find.error().message());
    if (!find->has_query) return BadGrpcRequest("missing query");
    Query query;
    // Jaeger's storages take a limit of 0 or less as none.
    query.limit = source_->LimitOf(static_cast<std::uint32_t>(std::max(find->depth, 0)));
    if (!ToQuery(*find, query)) return NoMessages();
    return StreamFound(*source_, request, std::move(query), find->raw, EncodeJaegerChunk,
                       "failed when searching for traces");
  }

  RawReply GetServices(const RawRequest& request) const { return GrpcServices(*source_, request); }

  RawReply GetOperations(const RawRequest& request) const {
    return GrpcOperations(*source_, request);
  }

  RawReply GetDependencies(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetDependencies(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    if (!get->start_ns || !get->end_ns)
      return BadGrpcRequest("StartTime and EndTime must be initialized.");
    return GrpcDependencies(*source_, request, *get->start_ns, *get->end_ns);
  }

 private:
  const std::shared_ptr<const JaegerQuerySource> source_;
};

}  // namespace

net::RawGrpcServices JaegerV2GrpcMethods(std::shared_ptr<const JaegerQuerySource> source) {
  const auto api = std::make_shared<const JaegerV2Grpc>(std::move(source));
  net::RawGrpcServices methods;
  const auto add = [&](std::string_view method,
                       RawReply (JaegerV2Grpc::*handle)(const RawRequest&) const) {
    methods.emplace("/jaeger.api_v2.QueryService/" + std::string(method),
                    [api, handle](const RawRequest& request) { return ((*api).*handle)(request); });
  };
  add("GetTrace", &JaegerV2Grpc::GetTrace);
  add("ArchiveTrace", &JaegerV2Grpc::ArchiveTrace);
  add("FindTraces", &JaegerV2Grpc::FindTraces);
  add("GetServices", &JaegerV2Grpc::GetServices);
  add("GetOperations", &JaegerV2Grpc::GetOperations);
  add("GetDependencies", &JaegerV2Grpc::GetDependencies);
  return methods;
}

}  // namespace tracestore::server
