// jaeger.api_v2.QueryService without sockets; sentences and codes are Jaeger's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api_v2/query.pb.h"
#include "server/jaeger/query_grpc_test_support.h"
#include "server/jaeger/trace_messages.h"

namespace tracestore::server {
namespace {

namespace api = jaeger::api_v2;
using net::GrpcCode;
using testing::ElementsAre;

const std::string kTraceIdBytes("\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c",
                                16);
const std::string kLargeIdBytes("\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x00\x00\x00\x01",
                                16);

class JaegerV2Grpc : public JaegerGrpc {
 protected:
  JaegerV2Grpc() { service = "/jaeger.api_v2.QueryService/"; }

  static api::GetTraceRequest Get(const std::string& id, bool raw = false) {
    api::GetTraceRequest request;
    request.set_trace_id(id);
    request.set_raw_traces(raw);
    return request;
  }
  static api::FindTracesRequest Find(const std::string& wanted_service) {
    api::FindTracesRequest request;
    request.mutable_query()->set_service_name(wanted_service);
    request.mutable_query()->set_search_depth(10);
    return request;
  }
  static std::vector<api::Span> SpansOf(const GrpcAnswer& answer) {
    std::vector<api::Span> spans;
    for (const std::string& bytes : answer.messages) {
      api::SpansResponseChunk chunk;
      EXPECT_TRUE(chunk.ParseFromString(bytes));
      spans.insert(spans.end(), chunk.spans().begin(), chunk.spans().end());
    }
    return spans;
  }
  // Whether the trace is found.
  bool Finds(const api::FindTracesRequest& request) {
    const GrpcAnswer answer = Call("FindTraces", request);
    EXPECT_EQ(answer.code, GrpcCode::kOk) << answer.message;
    return !answer.messages.empty();
  }
};

TEST_F(JaegerV2Grpc, GivesATraceAsItsReaderShowsIt) {
  const GrpcAnswer answer = Call("GetTrace", Get(kTraceIdBytes));
  EXPECT_EQ(answer.code, GrpcCode::kOk) << answer.message;
  const auto spans = SpansOf(answer);
  ASSERT_EQ(spans.size(), 3u);  // equal ones once
  const api::Span& root = spans[0];
  EXPECT_EQ(root.trace_id(), kTraceIdBytes);
  EXPECT_EQ(root.operation_name(), "GET /");
  EXPECT_EQ(root.start_time().seconds(), 1795376030);
  EXPECT_EQ(root.start_time().nanos(), 375022592);
  EXPECT_EQ(root.duration().nanos(), 50'000'000);
  EXPECT_EQ(root.process().service_name(), "fe");
  ASSERT_EQ(root.process().tags_size(), 1);
  EXPECT_EQ(root.process().tags(0).key(), "host.name");
  std::vector<std::string> keys;
  for (const auto& tag : root.tags()) keys.push_back(tag.key());
  EXPECT_THAT(keys, ElementsAre("arr", "b", "bytes", "d", "http.status_code", "otel.scope.name",
                                "otel.scope.version", "span.kind"));
  ASSERT_EQ(root.logs_size(), 1);
  EXPECT_EQ(root.logs(0).fields(0).key(), "event");
  EXPECT_EQ(root.references(0).ref_type(), api::FOLLOWS_FROM);
  EXPECT_EQ(spans[2].process().service_name(), "be");
  EXPECT_EQ(SpansOf(Call("GetTrace", Get(kTraceIdBytes, true))).size(), 4u);
  EXPECT_THAT(routes, ElementsAre("/jaeger.api_v2.QueryService/GetTrace 0",
                                  "/jaeger.api_v2.QueryService/GetTrace 0"));
}

TEST_F(JaegerV2Grpc, RefusesIdsThatAreNone) {
  constexpr GrpcCode kInvalid = GrpcCode::kInvalidArgument;
  for (const char* method : {"GetTrace", "ArchiveTrace"}) {
    Refuses(method, Get(""), kInvalid, "uninitialized TraceID is not allowed");
    Refuses(method, Get(std::string(16, '\0')), kInvalid, "uninitialized TraceID is not allowed");
    Refuses(method, Get("1234"), kInvalid, "TraceID is 4 bytes long, not 16");
  }
  Refuses("GetTrace", Get(std::string(16, 'x')), GrpcCode::kNotFound, "trace not found");
  EXPECT_EQ(routes.back(), "/jaeger.api_v2.QueryService/GetTrace 5");
}

TEST_F(JaegerV2Grpc, RefusesWhatIsNoProtobuf) {
  for (const char* method :
       {"GetTrace", "ArchiveTrace", "FindTraces", "GetOperations", "GetDependencies"}) {
    const GrpcAnswer answer = CallBytes(method, "\x0A\x7Fx");
    EXPECT_EQ(answer.code, GrpcCode::kInvalidArgument) << method;
    EXPECT_EQ(answer.message,
              "the request can't be read: a field runs past the end of its message");
  }
}

TEST_F(JaegerV2Grpc, SplitsALargeTrace) {
  Serve({LargeTrace(3'000, 2'000)});
  const GrpcAnswer answer = Call("GetTrace", Get(kLargeIdBytes));
  EXPECT_EQ(answer.code, GrpcCode::kOk) << answer.message;
  EXPECT_GE(answer.messages.size(), 3u);
  for (const std::string& bytes : answer.messages) EXPECT_LE(bytes.size(), kMostMessageBytes);
  std::set<std::string> ids;
  for (const api::Span& span : SpansOf(answer)) ids.insert(span.span_id());
  EXPECT_EQ(ids.size(), 3'000u);
  EXPECT_EQ(routes.size(), 1u);  // a call is told of once
}

TEST_F(JaegerV2Grpc, SearchesByAllItIsAsked) {
  EXPECT_TRUE(Finds(Find("fe")));
  EXPECT_TRUE(Finds(Find("")));
  EXPECT_FALSE(Finds(Find("other")));
  auto find = Find("be");
  find.mutable_query()->set_operation_name("work");
  (*find.mutable_query()->mutable_tags())["error"] = "true";
  (*find.mutable_query()->mutable_tags())["otel.status_description"] = "boom";
  find.mutable_query()->mutable_duration_min()->set_nanos(20'000'000);
  find.mutable_query()->mutable_duration_max()->set_nanos(20'000'000);
  EXPECT_TRUE(Finds(find));
  find.mutable_query()->mutable_duration_max()->set_nanos(19'999'999);
  EXPECT_FALSE(Finds(find));
  find.mutable_query()->mutable_duration_max()->set_nanos(-1);
  EXPECT_FALSE(Finds(find));
  find.mutable_query()->clear_duration_max();
  (*find.mutable_query()->mutable_tags())["error"] = "false";
  EXPECT_FALSE(Finds(find));
}

TEST_F(JaegerV2Grpc, BothEndsOfTheRangeCount) {
  const auto between = [](std::uint64_t begin, std::uint64_t end) {
    auto find = Find("fe");
    find.mutable_query()->set_operation_name("GET /");
    const auto set = [](std::uint64_t ns, auto& time) {
      time.set_seconds(static_cast<std::int64_t>(ns / 1'000'000'000));
      time.set_nanos(static_cast<std::int32_t>(ns % 1'000'000'000));
    };
    set(begin, *find.mutable_query()->mutable_start_time_min());
    set(end, *find.mutable_query()->mutable_start_time_max());
    return find;
  };
  EXPECT_TRUE(Finds(between(kTraceStart, kTraceStart)));
  EXPECT_FALSE(Finds(between(kTraceStart + 1, kTraceStart + 9)));
  EXPECT_FALSE(Finds(between(kTraceStart - 9, kTraceStart - 1)));
  EXPECT_FALSE(Finds(between(kTraceStart + 9, kTraceStart - 9)));
}

TEST_F(JaegerV2Grpc, NoMessageHasSpansOfTwoTraces) {
  Serve({kTrace, LargeTrace(20, 10)});
  auto find = Find("");
  for (const int depth : {0, 10}) {
    find.mutable_query()->set_search_depth(depth);
    const GrpcAnswer answer = Call("FindTraces", find);
    ASSERT_EQ(answer.messages.size(), 2u);
    EXPECT_EQ(SpansOf(answer).size(), 23u);
  }
  find.mutable_query()->set_search_depth(1);
  EXPECT_EQ(Call("FindTraces", find).messages.size(), 1u);
  Refuses("FindTraces", api::FindTracesRequest(), GrpcCode::kInvalidArgument, "missing query");
}

TEST_F(JaegerV2Grpc, TheStoresWorkEndsWithTheCall) {
  stop.request_stop();
  const auto stopped = [&](const char* method, const auto& request, const std::string& what) {
    const GrpcAnswer answer = Call(method, request);
    EXPECT_EQ(answer.code, GrpcCode::kDeadlineExceeded) << method;
    EXPECT_TRUE(answer.message.starts_with(what)) << answer.message;
  };
  stopped("FindTraces", Find("fe"), "failed when searching for traces: ");
  stopped("GetServices", api::GetServicesRequest(), "failed to fetch services: ");
  stopped("GetOperations", api::GetOperationsRequest(), "failed to fetch operations: ");
}

TEST_F(JaegerV2Grpc, TellsNames) {
  const auto services = Ask<api::GetServicesResponse>("GetServices", api::GetServicesRequest());
  EXPECT_THAT(services.services(), ElementsAre("be", "fe"));
  api::GetOperationsRequest request;
  request.set_service("fe");
  auto operations = Ask<api::GetOperationsResponse>("GetOperations", request);
  EXPECT_THAT(operations.operationnames(), ElementsAre("GET /", "call be"));
  ASSERT_EQ(operations.operations_size(), 2);
  EXPECT_EQ(operations.operations(0).name(), "GET /");
  EXPECT_EQ(operations.operations(0).span_kind(), "server");
  request.set_span_kind("client");
  operations = Ask<api::GetOperationsResponse>("GetOperations", request);
  ASSERT_EQ(operations.operations_size(), 1);
  EXPECT_EQ(operations.operations(0).name(), "call be");
  request.set_service("nobody");
  EXPECT_EQ(Ask<api::GetOperationsResponse>("GetOperations", request).operations_size(), 0);
}

TEST_F(JaegerV2Grpc, TellsDependencies) {
  api::GetDependenciesRequest request;
  Refuses("GetDependencies", request, GrpcCode::kInvalidArgument,
          "StartTime and EndTime must be initialized.");
  request.mutable_start_time()->set_seconds(1795376030);
  request.mutable_end_time()->set_seconds(1795376031);
  const auto found = Ask<api::GetDependenciesResponse>("GetDependencies", request);
  ASSERT_EQ(found.dependencies_size(), 1);
  EXPECT_EQ(found.dependencies(0).parent(), "fe");
  EXPECT_EQ(found.dependencies(0).child(), "be");
  EXPECT_EQ(found.dependencies(0).call_count(), 1u);
  request.mutable_end_time()->set_seconds(1795376029);
  EXPECT_EQ(Ask<api::GetDependenciesResponse>("GetDependencies", request).dependencies_size(), 0);
}

TEST_F(JaegerV2Grpc, Archives) {
  Refuses("ArchiveTrace", Get(kTraceIdBytes), GrpcCode::kInternal,
          "failed to archive trace: archive span storage was not configured");
  std::vector<TraceId> asked;
  options.archive = [&](TraceId id) -> Result<ArchiveResult> {
    asked.push_back(id);
    if (asked.size() == 3) return Error(ErrorCode::kIo, "the disk is full");
    ArchiveResult result;
    result.traces = 2 - asked.size();
    return result;
  };
  Serve({kTrace});
  Ask<api::ArchiveTraceResponse>("ArchiveTrace", Get(kTraceIdBytes));
  EXPECT_EQ(asked.back().ToHex(), "0af7651916cd43dd8448eb211c80319c");
  Refuses("ArchiveTrace", Get(std::string(16, 'x')), GrpcCode::kNotFound, "trace not found");
  Refuses("ArchiveTrace", Get(kTraceIdBytes), GrpcCode::kInternal,
          "failed to archive trace: the disk is full");
}

TEST_F(JaegerV2Grpc, ReadsTheArchiveWhereTheStoreHasNoSuchTrace) {
  AppendResult report;
  const auto archive = SnapshotOfFiles({LargeTrace(3, 10)}, report);
  ASSERT_TRUE(archive.has_value());
  options.archived = [&](TraceId id) { return archive->Get(id); };
  Serve({kTrace});
  EXPECT_EQ(SpansOf(Call("GetTrace", Get(kLargeIdBytes))).size(), 3u);
  Refuses("GetTrace", Get(std::string(16, 'x')), GrpcCode::kNotFound, "trace not found");
}

TEST_F(JaegerV2Grpc, TellsAFailureOfTheStore) {
  options.archived = nullptr;
  Serve({kTrace});
  options.snapshot = []() -> Result<Snapshot> { return Error(ErrorCode::kCorruption, "damaged"); };
  methods = JaegerQueryGrpcServices(options);
  constexpr GrpcCode kInternal = GrpcCode::kInternal;
  Refuses("GetTrace", Get(kTraceIdBytes), kInternal,
          "failed to fetch spans from the backend: damaged");
  Refuses("FindTraces", Find("fe"), kInternal, "failed when searching for traces: damaged");
  Refuses("GetServices", api::GetServicesRequest(), kInternal, "failed to fetch services: damaged");
  Refuses("GetOperations", api::GetOperationsRequest(), kInternal,
          "failed to fetch operations: damaged");
  EXPECT_EQ(routes.back(), "/jaeger.api_v2.QueryService/GetOperations 13");
}

}  // namespace
}  // namespace tracestore::server
