#include "server/jaeger/query_grpc_v3.h"

#include <string>
#include <utility>

#include "base/try.h"
#include "codec/jaeger/filter_tree.h"
#include "codec/jaeger/query_fields.h"
#include "codec/jaeger/query_requests.h"
#include "codec/wire/wire_reader.h"
#include "server/jaeger/filter_expression.h"
#include "server/jaeger/go_values.h"
#include "server/jaeger/grpc_call.h"
#include "server/jaeger/summary_messages.h"

namespace tracestore::server {
namespace {

namespace field = codec::jaeger_query_field;
using net::RawReply;
using net::RawRequest;

constexpr std::uint32_t kDefaultTraces = 100;  // as over HTTP
constexpr std::string_view kSearchFailed = "failed when searching for traces";

struct Search {
  Query query;
  bool raw = false;
  bool nothing_matches = false;
};

Result<Search> ReadSearch(std::string_view message) {
  const auto invalid = [](std::string why) {
    return Error{ErrorCode::kInvalidArgument, std::move(why)};
  };
  TS_TRY_ASSIGN(const codec::JaegerFindTraces find, codec::DecodeJaegerFindTraces(message));
  if (!find.has_query) return invalid("missing query");
  if (!find.start_min_ns || !find.start_max_ns)
    return invalid("start time min and max are required parameters");
  if (*find.start_min_ns > *find.start_max_ns)
    return invalid("start_time_min must be before start_time_max");
  Search search;
  search.nothing_matches = !ToQuery(find, search.query);
  if (find.filter) {
    TS_TRY_ASSIGN(search.query.where,
                  FilterExpression(codec::DecodeFilterProtobuf(*find.filter),
                                   BesideFilter(find, !find.attributes.empty())));
  }
  search.query.limit = find.depth > 0 ? static_cast<std::uint32_t>(find.depth) : kDefaultTraces;
  search.raw = find.raw;
  return search;
}

class JaegerV3Grpc {
 public:
  explicit JaegerV3Grpc(std::shared_ptr<const JaegerQuerySource> source)
      : source_(std::move(source)) {}

  RawReply GetTrace(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetTrace(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    const auto id = ParseJaegerTraceId(get->trace_id);
    if (!id.has_value()) return BadGrpcRequest("malform trace ID: " + id.error().message());
    if (*id == TraceId()) return BadGrpcRequest("uninitialized TraceID is not allowed");
    return StreamTrace(source_, request, *id, get->raw, EncodeTracesData,
                       "failed to fetch spans from the backend");
  }

  RawReply FindTraces(const RawRequest& request) const {
    auto search = ReadSearch(request.message);
    if (!search.has_value()) return BadGrpcRequest(search.error().message());
    if (search->nothing_matches) return NoMessages();
    search->query.limit = source_->LimitOf(search->query.limit);
    return StreamFound(*source_, request, std::move(search->query), search->raw, EncodeTracesData,
                       kSearchFailed);
  }

  RawReply FindTraceSummaries(const RawRequest& request) const {
    auto search = ReadSearch(request.message);
    if (!search.has_value()) return BadGrpcRequest(search.error().message());
    if (search->nothing_matches) return NoMessages();
    search->query.limit = source_->LimitOf(search->query.limit);
    return StreamSummaries(*source_, request, std::move(search->query), SummaryForm::kQuery,
                           kSearchFailed);
  }

  RawReply GetServices(const RawRequest& request) const { return GrpcServices(*source_, request); }

  RawReply GetOperations(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetOperations(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    std::string out;
    if (get->service.empty()) return RawReply::Ok(out);
    const CallEnd end(request.stop);
    const auto operations = source_->Operations(std::string(get->service), end.flag());
    if (!operations.has_value())
      return GrpcFailure(operations.error(), "failed to fetch operations");
    codec::WireWriter wire(out);
    for (const OperationInfo& operation : *operations) {
      // As OTLP reads a kind that nobody set.
      const std::string_view kind = SpanKindName(
          operation.kind == SpanKind::kUnspecified ? SpanKind::kInternal : operation.kind);
      if (!get->span_kind.empty() && kind != get->span_kind) continue;
      const std::size_t begin = wire.Begin(field::kV3Operations);
      wire.Bytes(field::kOperationName, operation.name);
      wire.Bytes(field::kOperationKind, kind);
      wire.End(begin);
    }
    return RawReply::Ok(std::move(out));
  }

  RawReply GetDependencies(const RawRequest& request) const {
    const auto get = codec::DecodeJaegerGetDependencies(request.message);
    if (!get.has_value()) return BadGrpcRequest(get.error().message());
    if (!get->start_ns || !get->end_ns)
      return BadGrpcRequest("start_time and end_time are required");
    return GrpcDependencies(*source_, request, *get->start_ns, *get->end_ns);
  }

 private:
  const std::shared_ptr<const JaegerQuerySource> source_;
};

}  // namespace

net::RawGrpcServices JaegerV3GrpcMethods(std::shared_ptr<const JaegerQuerySource> source) {
  const auto api = std::make_shared<const JaegerV3Grpc>(std::move(source));
  net::RawGrpcServices methods;
  const auto add = [&](std::string_view method,
                       RawReply (JaegerV3Grpc::*handle)(const RawRequest&) const) {
    methods.emplace("/jaeger.api_v3.QueryService/" + std::string(method),
                    [api, handle](const RawRequest& request) { return ((*api).*handle)(request); });
  };
  add("GetTrace", &JaegerV3Grpc::GetTrace);
  add("FindTraces", &JaegerV3Grpc::FindTraces);
  add("FindTraceSummaries", &JaegerV3Grpc::FindTraceSummaries);
  add("GetServices", &JaegerV3Grpc::GetServices);
  add("GetOperations", &JaegerV3Grpc::GetOperations);
  add("GetDependencies", &JaegerV3Grpc::GetDependencies);
  return methods;
}

}  // namespace tracestore::server
