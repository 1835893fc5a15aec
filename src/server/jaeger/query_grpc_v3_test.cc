// jaeger.api_v3.QueryService without sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api_v3/query_service.pb.h"
#include "server/jaeger/query_grpc_test_support.h"
#include "server/jaeger/trace_messages.h"

namespace tracestore::server {
namespace {

namespace api = jaeger::api_v3;
namespace otlp = opentelemetry::proto::trace::v1;
using net::GrpcCode;
using ::testing::ElementsAre;

const std::string kId = "0af7651916cd43dd8448eb211c80319c";
const std::string kLargeId = "0af7651916cd43dd8448eb2100000001";

class JaegerV3Grpc : public JaegerGrpc {
 protected:
  JaegerV3Grpc() { service = "/jaeger.api_v3.QueryService/"; }

  static api::GetTraceRequest Get(const std::string& id, bool raw = false) {
    api::GetTraceRequest request;
    request.set_trace_id(id);
    request.set_raw_traces(raw);
    return request;
  }
  // In the second of kTrace.
  template <typename Request = api::FindTracesRequest>
  static Request Find(const std::string& wanted_service) {
    Request request;
    request.mutable_query()->set_service_name(wanted_service);
    request.mutable_query()->mutable_start_time_min()->set_seconds(1795376030);
    request.mutable_query()->mutable_start_time_max()->set_seconds(1795376031);
    return request;
  }
  static std::vector<otlp::Span> SpansOf(const GrpcAnswer& answer) {
    std::vector<otlp::Span> spans;
    for (const std::string& bytes : answer.messages) {
      otlp::TracesData data;
      EXPECT_TRUE(data.ParseFromString(bytes));
      for (const auto& resource : data.resource_spans()) {
        for (const auto& scope : resource.scope_spans())
          spans.insert(spans.end(), scope.spans().begin(), scope.spans().end());
      }
    }
    return spans;
  }
};

TEST_F(JaegerV3Grpc, GivesATrace) {
  const GrpcAnswer answer = Call("GetTrace", Get(kId));
  EXPECT_EQ(answer.code, GrpcCode::kOk) << answer.message;
  const auto spans = SpansOf(answer);
  ASSERT_EQ(spans.size(), 3u);  // equal ones once
  EXPECT_EQ(spans[0].name(), "GET /");
  EXPECT_EQ(spans[0].kind(), otlp::Span::SPAN_KIND_SERVER);
  EXPECT_EQ(spans[0].start_time_unix_nano(), kTraceStart);
  EXPECT_EQ(spans[0].attributes_size(), 5);
  EXPECT_EQ(spans[2].status().message(), "boom");
  EXPECT_EQ(SpansOf(Call("GetTrace", Get(kId, true))).size(), 4u);
  EXPECT_EQ(routes.back(), "/jaeger.api_v3.QueryService/GetTrace 0");
}

TEST_F(JaegerV3Grpc, RefusesIdsThatAreNone) {
  constexpr GrpcCode kInvalid = GrpcCode::kInvalidArgument;
  Refuses("GetTrace", Get("zz"), kInvalid,
          R"(malform trace ID: strconv.ParseUint: parsing "zz": invalid syntax)");
  Refuses("GetTrace", Get("0"), kInvalid, "uninitialized TraceID is not allowed");
  EXPECT_EQ(Call("GetTrace", Get("")).code, kInvalid);
  EXPECT_EQ(Call("GetTrace", Get(kId + "0")).code, kInvalid);
  Refuses("GetTrace", Get("f"), GrpcCode::kNotFound, "trace not found");
}

TEST_F(JaegerV3Grpc, RefusesWhatIsNoProtobuf) {
  for (const char* method :
       {"GetTrace", "FindTraces", "FindTraceSummaries", "GetOperations", "GetDependencies"}) {
    const GrpcAnswer answer = CallBytes(method, "\x0A\x7Fx");
    EXPECT_EQ(answer.code, GrpcCode::kInvalidArgument) << method;
    EXPECT_EQ(answer.message,
              "the request can't be read: a field runs past the end of its message");
  }
}

TEST_F(JaegerV3Grpc, SplitsALargeTrace) {
  Serve({LargeTrace(3'000, 2'000)});
  const GrpcAnswer answer = Call("GetTrace", Get(kLargeId));
  EXPECT_GE(answer.messages.size(), 3u);
  for (const std::string& bytes : answer.messages) EXPECT_LE(bytes.size(), kMostMessageBytes);
  std::set<std::string> ids;
  for (const otlp::Span& span : SpansOf(answer)) ids.insert(span.span_id());
  EXPECT_EQ(ids.size(), 3'000u);
}

TEST_F(JaegerV3Grpc, Searches) {
  Serve({kTrace, LargeTrace(20, 10)});
  EXPECT_EQ(Call("FindTraces", Find("")).messages.size(), 2u);  // no message has two traces
  EXPECT_EQ(SpansOf(Call("FindTraces", Find("be"))).size(), 3u);
  EXPECT_TRUE(Call("FindTraces", Find("other")).messages.empty());
  auto find = Find("");
  find.mutable_query()->set_search_depth(1);
  EXPECT_EQ(Call("FindTraces", find).messages.size(), 1u);
  find = Find("fe");
  (*find.mutable_query()->mutable_attributes())["http.status_code"] = "200";
  EXPECT_EQ(Call("FindTraces", find).messages.size(), 1u);
  find.mutable_query()->mutable_duration_min()->set_seconds(1);
  EXPECT_TRUE(Call("FindTraces", find).messages.empty());
  find = Find("fe");
  find.mutable_query()->mutable_start_time_max()->set_seconds(1795376030);
  EXPECT_EQ(Call("FindTraces", find).code, GrpcCode::kOk);
}

TEST_F(JaegerV3Grpc, RefusesSearches) {
  constexpr GrpcCode kInvalid = GrpcCode::kInvalidArgument;
  for (const char* method : {"FindTraces", "FindTraceSummaries"}) {
    api::FindTracesRequest find;
    Refuses(method, find, kInvalid, "missing query");
    find.mutable_query();
    constexpr const char* kTimes = "start time min and max are required parameters";
    Refuses(method, find, kInvalid, kTimes);
    find = Find("fe");
    find.mutable_query()->clear_start_time_max();
    Refuses(method, find, kInvalid, kTimes);
    find.mutable_query()->mutable_start_time_max()->set_seconds(1);
    Refuses(method, find, kInvalid, "start_time_min must be before start_time_max");
  }
}

// {"op":"eq","args":[{"field":{"name":…,"level":…}},{"scalar":{"value":…}}]}
jaeger::expression::v1::Call FieldIs(const char* level, const char* name, const char* value) {
  jaeger::expression::v1::Call call;
  call.set_op("eq");
  auto* field = call.add_args()->mutable_field();
  field->set_name(name);
  field->set_level(level);
  call.add_args()->mutable_scalar()->set_value(value);
  return call;
}

TEST_F(JaegerV3Grpc, SearchesByAFilter) {
  auto find = Find("");
  *find.mutable_query()->mutable_filter() = FieldIs("span", "status", "error");
  EXPECT_EQ(SpansOf(Call("FindTraces", find)).size(), 3u);
  auto& filter = *find.mutable_query()->mutable_filter();
  filter.Clear();
  filter.set_op("and");
  *filter.add_args()->mutable_call() = FieldIs("span", "status", "error");
  *filter.add_args()->mutable_call() = FieldIs("resource", "service", "fe");
  EXPECT_TRUE(Call("FindTraces", find).messages.empty());  // no one span has both
  *filter.mutable_args(1)->mutable_call() = FieldIs("resource", "service", "be");
  EXPECT_EQ(Call("FindTraces", find).messages.size(), 1u);
  EXPECT_EQ(Call("FindTraceSummaries", find).messages.size(), 1u);
}

TEST_F(JaegerV3Grpc, JudgesFilters) {
  constexpr GrpcCode kInvalid = GrpcCode::kInvalidArgument;
  auto find = Find("");
  find.mutable_query()->mutable_filter();
  Refuses("FindTraces", find, kInvalid, R"(invalid query filter: unknown filter operator "")");
  find.mutable_query()->mutable_filter()->add_args();
  Refuses("FindTraces", find, kInvalid,
          "malformed parameter query.filter: filter argument is empty: exactly one of attr, field, "
          "nested, scalar, list or call must be set");
  *find.mutable_query()->mutable_filter() = FieldIs("span", "status", "error");
  find.mutable_query()->set_service_name("fe");
  find.mutable_query()->mutable_duration_min()->set_nanos(1);
  Refuses("FindTraces", find, kInvalid,
          "invalid query filter: it cannot be combined with [service_name duration_min]; express "
          "those predicates in the filter instead");
}

TEST_F(JaegerV3Grpc, Summarizes) {
  const GrpcAnswer answer = Call("FindTraceSummaries", Find<api::FindTraceSummariesRequest>("fe"));
  ASSERT_EQ(answer.messages.size(), 1u) << answer.message;
  api::FindTraceSummariesResponse response;
  ASSERT_TRUE(response.ParseFromString(answer.messages[0]));
  ASSERT_EQ(response.summaries_size(), 1);
  const api::TraceSummary& summary = response.summaries(0);
  EXPECT_EQ(summary.trace_id(), kId);
  EXPECT_EQ(summary.root_service_name(), "fe");
  EXPECT_EQ(summary.root_operation_name(), "GET /");
  EXPECT_EQ(summary.min_start_time_unix_nano(), kTraceStart);
  EXPECT_EQ(summary.max_end_time_unix_nano(), kTraceStart + 50'000'000);
  EXPECT_EQ(summary.span_count(), 3);
  EXPECT_EQ(summary.error_span_count(), 1);
  EXPECT_EQ(summary.orphan_span_count(), 0);
  ASSERT_EQ(summary.services_size(), 2);
  EXPECT_EQ(summary.services(0).name(), "be");
  EXPECT_EQ(summary.services(0).span_count(), 1);
  EXPECT_EQ(summary.services(0).error_span_count(), 1);
  EXPECT_TRUE(
      Call("FindTraceSummaries", Find<api::FindTraceSummariesRequest>("no")).messages.empty());
}

TEST_F(JaegerV3Grpc, TellsNames) {
  const auto services = Ask<api::GetServicesResponse>("GetServices", api::GetServicesRequest());
  EXPECT_THAT(services.services(), ElementsAre("be", "fe"));
  api::GetOperationsRequest request;
  EXPECT_EQ(Ask<api::GetOperationsResponse>("GetOperations", request).operations_size(), 0);
  request.set_service("fe");
  EXPECT_EQ(Ask<api::GetOperationsResponse>("GetOperations", request).operations_size(), 2);
  request.set_span_kind("client");
  const auto operations = Ask<api::GetOperationsResponse>("GetOperations", request);
  ASSERT_EQ(operations.operations_size(), 1);
  EXPECT_EQ(operations.operations(0).name(), "call be");
  EXPECT_EQ(operations.operations(0).span_kind(), "client");
}

TEST_F(JaegerV3Grpc, AKindThatNobodySetIsInternal) {
  Serve({LargeTrace(2, 1)});
  api::GetOperationsRequest request;
  request.set_service("big");
  const auto operations = Ask<api::GetOperationsResponse>("GetOperations", request);
  ASSERT_EQ(operations.operations_size(), 1);
  EXPECT_EQ(operations.operations(0).span_kind(), "internal");
}

TEST_F(JaegerV3Grpc, TellsDependencies) {
  api::GetDependenciesRequest request;
  request.mutable_start_time()->set_seconds(1795376030);
  Refuses("GetDependencies", request, GrpcCode::kInvalidArgument,
          "start_time and end_time are required");
  request.mutable_end_time()->set_seconds(1795376031);
  const auto found = Ask<api::DependenciesResponse>("GetDependencies", request);
  ASSERT_EQ(found.dependencies_size(), 1);
  EXPECT_EQ(found.dependencies(0).parent(), "fe");
  EXPECT_EQ(found.dependencies(0).child(), "be");
  EXPECT_EQ(found.dependencies(0).call_count(), 1u);
}

TEST_F(JaegerV3Grpc, TheStoresWorkEndsWithTheCall) {
  stop.request_stop();
  for (const char* method : {"FindTraces", "FindTraceSummaries"})
    EXPECT_EQ(Call(method, Find("fe")).code, GrpcCode::kDeadlineExceeded) << method;
}

}  // namespace
}  // namespace tracestore::server
