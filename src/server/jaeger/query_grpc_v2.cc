#include "server/jaeger/query_grpc_v2.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "codec/jaeger/protobuf_encoder.h"
#include "codec/jaeger/query_fields.h"
#include "codec/jaeger/query_requests.h"
#include "codec/wire/wire_reader.h"
#include "server/jaeger/grpc_call.h"

namespace tracestore::server {
namespace {

namespace field = codec::jaeger_query_field;
using net::RawReply;
using net::RawRequest;

constexpr std::size_t kTraceIdBytes = 16;

void EncodeChunk(const ShownTrace& trace, std::size_t first, std::size_t count, bool raw,
                 std::string& out) {
  codec::JaegerSpansOptions options;
  options.sort_tags = !raw;
  if (!trace.warnings.empty()) options.warnings = std::span(trace.warnings).subspan(first, count);
  codec::EncodeJaegerSpans(*trace.batch, std::span(trace.rows).subspan(first, count), options, out);
}

// Big-endian. Of longer ids the first bytes count, as everywhere in Jaeger's protobuf.
Result<TraceId> ToTraceId(std::string_view bytes) {
  TraceId id;
  if (!bytes.empty()) {
    if (bytes.size() < kTraceIdBytes) {
      return Error{ErrorCode::kInvalidArgument,
                   "TraceID is " + std::to_string(bytes.size()) + " bytes long, not 16"};
    }
    id.high = __builtin_bswap64(base::LoadLe<std::uint64_t>(bytes.data()));
    id.low = __builtin_bswap64(base::LoadLe<std::uint64_t>(bytes.data() + 8));
  }
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
    const auto id = ToTraceId(get->trace_id);
    if (!id.has_value()) return BadGrpcRequest(id.error().message());
    return StreamTrace(source_, request, *id, get->raw, EncodeChunk,
                       "failed to fetch spans from the backend");
  }

  RawReply ArchiveTrace(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetTrace(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    const auto id = ToTraceId(get->trace_id);
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
    return StreamFound(*source_, request, std::move(query), find->raw, EncodeChunk,
                       "failed when searching for traces");
  }

  RawReply GetServices(const RawRequest& request) const { return GrpcServices(*source_, request); }

  RawReply GetOperations(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetOperations(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    const CallEnd end(request.stop);
    const auto operations = source_->Operations(std::string(get->service), end.flag());
    if (!operations.has_value())
      return GrpcFailure(operations.error(), "failed to fetch operations");
    std::set<std::string_view> names;
    std::string out;
    codec::WireWriter wire(out);
    for (const OperationInfo& operation : *operations) {
      const std::string_view kind =
          operation.kind == SpanKind::kUnspecified ? "" : SpanKindName(operation.kind);
      if (!get->span_kind.empty() && kind != get->span_kind) continue;
      names.insert(operation.name);
      const std::size_t begin = wire.Begin(field::kV2Operations);
      wire.Bytes(field::kOperationName, operation.name);
      wire.Bytes(field::kOperationKind, kind);
      wire.End(begin);
    }
    for (const std::string_view name : names) wire.BytesAlways(field::kV2OperationNames, name);
    return RawReply::Ok(std::move(out));
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
