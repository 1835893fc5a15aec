// The OTLP receivers without sockets: requests as values, a sink that says what it is told to say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "codec/otlp/protobuf_encoder.h"
#include "ingest/otlp_message.h"
#include "ingest/receivers/otlp_grpc.h"
#include "ingest/receivers/otlp_http.h"

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::HttpRequest;
using net::HttpResponse;
using testing::HasSubstr;

class FakeSink final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& /*context*/) override {
    if (refusal) return *refusal;
    kept += batch.size();
    return {};
  }
  std::optional<Error> refusal;
  std::size_t kept = 0;
};

// Three spans, of which the second has a span id of zeros.
std::string Message(bool with_bad_span) {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    model::SpanRecord span;
    span.trace_id = {7, 9};
    span.span_id = {with_bad_span && i == 2 ? 0 : i};
    span.name = batch.strings.Intern("GET /");
    span.start_ns = 1'000'000 * i;
    span.duration_ns = 5;
    span.presence = model::kHasStart | model::kHasDuration;
    batch.spans.push_back(span);
  }
  std::string out;
  codec::EncodeOtlpProtobuf(batch, out);
  return out;
}

HttpRequest Post(std::string body, std::string type = "application/x-protobuf") {
  HttpRequest request;
  request.method = "POST";
  EXPECT_TRUE(request.SetTarget("/v1/traces").has_value());
  request.headers = {{"Content-Type", std::move(type)}};
  request.body = std::move(body);
  return request;
}

std::string HeaderOf(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

class OtlpReceivers : public testing::Test {
 protected:
  FakeSink sink;
  std::vector<std::string> events;
  Intake intake{sink, [this](const IntakeEvent& event) {
                  events.push_back(std::string(event.source.transport) + " " +
                                   IntakeOutcomeName(event.answer.outcome) + " " +
                                   std::to_string(event.decoded) + " " +
                                   std::to_string(event.answer.report.rejected));
                }};
  net::HttpHandler http = MakeOtlpHttpHandler(intake);
  net::RawHandler grpc = OtlpGrpcServices(intake).at(kOtlpTraceExport);

  net::RawReply Call(const std::string& message) {
    net::RawRequest request;
    request.message = message;
    return grpc(request);
  }
};

TEST_F(OtlpReceivers, AnswerSuccessOnceTheSinkHasTheSpans) {
  const HttpResponse response = http(Post(Message(false)));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/x-protobuf");
  EXPECT_EQ(response.body, std::string("\x0a\x00", 2));
  EXPECT_EQ(sink.kept, 3u);
  const net::RawReply reply = Call(Message(false));
  EXPECT_EQ(reply.code, GrpcCode::kOk);
  EXPECT_EQ(reply.bytes, std::string("\x0a\x00", 2));
  EXPECT_EQ(sink.kept, 6u);
  EXPECT_THAT(events, testing::ElementsAre("http taken 3 0", "grpc taken 3 0"));
}

TEST_F(OtlpReceivers, KeepTheGoodSpansAndTellOfTheBad) {
  const HttpResponse response = http(Post(Message(true)));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(sink.kept, 2u);
  // partial_success { rejected_spans: 1, error_message: … }
  EXPECT_EQ(response.body[0], '\x0a');
  EXPECT_EQ(response.body.substr(2, 2), std::string("\x08\x01", 2));
  EXPECT_THAT(response.body, HasSubstr("1 span refused; "));
  EXPECT_THAT(response.body, HasSubstr("span id"));
  EXPECT_THAT(Call(Message(true)).bytes, HasSubstr("1 span refused; "));
  EXPECT_THAT(events, testing::ElementsAre("http taken 2 1", "grpc taken 2 1"));
}

TEST_F(OtlpReceivers, TellOfRefusedSpansInJson) {
  model::DecodeReport report;
  EXPECT_EQ(EncodeOtlpResponse(report, OtlpEncoding::kJson), R"({"partialSuccess":{}})");
  report.Reject("bad", "span 1: bad");
  EXPECT_EQ(EncodeOtlpResponse(report, OtlpEncoding::kJson),
            R"({"partialSuccess":{"rejectedSpans":"1",)"
            R"("errorMessage":"1 span refused; span 1: bad"}})");
}

TEST_F(OtlpReceivers, TakeAnEmptyRequest) {
  EXPECT_EQ(http(Post("")).status, 200);
  EXPECT_EQ(http(Post(R"({})", "application/json")).body, R"({"partialSuccess":{}})");
  EXPECT_EQ(Call("").code, GrpcCode::kOk);
}

TEST_F(OtlpReceivers, TakeJson) {
  const HttpResponse response = http(Post(
      R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c",
          "spanId":"00f067aa0ba902b7","name":"GET /"}]}]}]})",
      "application/json; charset=utf-8"));
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"partialSuccess":{}})");
  EXPECT_EQ(sink.kept, 1u);
}

TEST_F(OtlpReceivers, RefuseAMalformedMessageInItsOwnEncoding) {
  const HttpResponse json = http(Post("{bad", "application/json"));
  EXPECT_EQ(json.status, 400);
  EXPECT_EQ(json.content_type, "application/json");
  EXPECT_THAT(json.body, testing::StartsWith(R"({"code":3,"message":")"));
  const HttpResponse protobuf = http(Post("\xff\xff\xff"));
  EXPECT_EQ(protobuf.status, 400);
  EXPECT_EQ(protobuf.content_type, "application/x-protobuf");
  EXPECT_EQ(protobuf.body.substr(0, 3), "\x08\x03\x12");
  EXPECT_EQ(Call("\xff\xff\xff").code, GrpcCode::kInvalidArgument);
  EXPECT_EQ(sink.kept, 0u);
  EXPECT_THAT(events, testing::Each(HasSubstr(" malformed 0 0")));
}

TEST_F(OtlpReceivers, SendTheSenderAwayForAWhileWhenTheStoreIsBusy) {
  sink.refusal = Error(ErrorCode::kBusy, "256 MiB await sealing");
  const HttpResponse response = http(Post(Message(false)));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(HeaderOf(response, "Retry-After"), "1");
  EXPECT_THAT(response.body, HasSubstr("256 MiB await sealing"));
  EXPECT_THAT(response.body, HasSubstr("google.rpc.RetryInfo"));
  const net::RawReply reply = Call(Message(false));
  EXPECT_EQ(reply.code, GrpcCode::kResourceExhausted);
  EXPECT_THAT(reply.details, HasSubstr("google.rpc.RetryInfo"));
  sink.refusal = Error(ErrorCode::kIo, "write wal/000001.log: ENOSPC");
  EXPECT_EQ(http(Post(Message(false))).status, 503);
  EXPECT_EQ(Call(Message(false)).code, GrpcCode::kUnavailable);
}

TEST_F(OtlpReceivers, RefuseWhatIsNoExport) {
  const HttpResponse type = http(Post("x", "text/plain"));
  EXPECT_EQ(type.status, 415);
  EXPECT_EQ(type.body,
            "415 unsupported media type, supported: [application/json, application/x-protobuf]");
  HttpRequest get = Post("");
  get.method = "GET";
  EXPECT_EQ(http(get).status, 405);
  HttpRequest other = Post("");
  EXPECT_TRUE(other.SetTarget("/v1/logs").has_value());
  EXPECT_EQ(http(other).status, 404);
  EXPECT_EQ(OtlpHttpRefusal(413, "too large").body, R"({"code":8,"message":"too large"})");
}

}  // namespace
}  // namespace tracestore::ingest
