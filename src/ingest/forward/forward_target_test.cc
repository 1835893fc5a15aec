#include "ingest/forward/forward_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "codec/jaeger/protobuf_decoder.h"
#include "ingest/otlp_message.h"
#include "ingest/receivers/otlp_grpc.h"
#include "ingest/receivers/otlp_http.h"
#include "net/grpc_server.h"
#include "net/http_server.h"

namespace tracestore::ingest {
namespace {

model::SpanBatch TwoSpans() {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "shop");
  model::ResourceRecord resource;
  resource.attributes = {0, 1};
  batch.resources.push_back(resource);
  batch.scopes.emplace_back();
  for (std::uint64_t i = 1; i <= 2; ++i) {
    model::SpanRecord span;
    span.trace_id = TraceId{0, 7};
    span.span_id = SpanId{i};
    span.name = batch.strings.Intern("buy");
    span.start_ns = 1'700'000'000'000'000'000;
    span.duration_ns = 5'000;
    span.presence = model::kHasStart | model::kHasDuration;
    batch.spans.push_back(span);
  }
  return batch;
}
constexpr std::uint32_t kRows[] = {0, 1};

class Kept final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& /*context*/) override {
    const std::lock_guard lock(mutex);
    if (busy) return Error(ErrorCode::kBusy, "full");
    for (const auto& span : batch.spans) {
      EXPECT_EQ(model::ServiceOf(batch, span), "shop");
      ids.push_back(span.span_id.value);
    }
    return {};
  }
  std::mutex mutex;
  bool busy = false;
  std::vector<std::uint64_t> ids;
};

std::string Local(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

std::unique_ptr<ForwardTarget> Target(ForwardProtocol protocol, const std::string& address) {
  auto target = MakeForwardTarget(protocol, address);
  EXPECT_TRUE(target.has_value()) << target.error().message();
  return std::move(*target);
}

TEST(ForwardTarget, SendsOtlpToOurOwnReceivers) {
  Kept kept;
  const Intake intake(kept);
  auto grpc = net::GrpcServer::Start({}, OtlpGrpcServices(intake));
  auto http = net::HttpServer::Start({}, MakeOtlpHttpHandler(intake));
  ASSERT_TRUE(grpc.has_value() && http.has_value());
  const auto over_grpc = Target(ForwardProtocol::kOtlpGrpc, Local((*grpc)->port()));
  const auto over_http = Target(ForwardProtocol::kOtlpHttp, Local((*http)->port()));
  const auto by_url =
      Target(ForwardProtocol::kOtlpHttp, "http://" + Local((*http)->port()) + "/v1/traces");
  for (ForwardTarget* target : {over_grpc.get(), over_http.get(), by_url.get()}) {
    kept.ids.clear();
    kept.busy = false;
    const SendResult sent = target->Send(TwoSpans(), kRows, {});
    EXPECT_EQ(sent.outcome, SendOutcome::kDelivered) << target->name() << ": " << sent.message;
    EXPECT_THAT(kept.ids, testing::ElementsAre(1, 2));
    kept.busy = true;  // a full collector: later, when it says
    const SendResult full = target->Send(TwoSpans(), kRows, {});
    EXPECT_EQ(full.outcome, SendOutcome::kRetry);
    EXPECT_EQ(full.after, std::chrono::milliseconds(1'000)) << target->name();
  }
}

TEST(ForwardTarget, SendsJaegersPostSpans) {
  model::SpanBatch got;
  auto server = net::GrpcServer::Start(
      {}, {{"/jaeger.api_v2.CollectorService/PostSpans", [&got](const net::RawRequest& request) {
              const auto report = codec::DecodeJaegerProtobuf(request.message, got);
              return report.has_value() ? net::RawReply::Ok("")
                                        : net::RawReply::Fail(net::GrpcCode::kInvalidArgument,
                                                              report.error().message());
            }}});
  ASSERT_TRUE(server.has_value());
  const auto target = Target(ForwardProtocol::kJaegerGrpc, Local((*server)->port()));
  const SendResult sent = target->Send(TwoSpans(), kRows, {});
  EXPECT_EQ(sent.outcome, SendOutcome::kDelivered) << sent.message;
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got.spans[1].span_id.value, 2U);
  EXPECT_EQ(model::ServiceOf(got, got.spans[0]), "shop");
  EXPECT_EQ(got.spans[0].duration_ns, 5'000U);
}

TEST(ForwardTarget, JudgesEveryKindOfAnswer) {
  net::RawReply reply;
  std::string tenant;
  const net::RawHandler answer = [&](const net::RawRequest& request) {
    tenant = request.metadata("x-tenant").value_or("none");
    return reply;
  };
  auto server = net::GrpcServer::Start(
      {}, {{"/opentelemetry.proto.collector.trace.v1.TraceService/Export", answer}});
  ASSERT_TRUE(server.has_value());
  const auto target = Target(ForwardProtocol::kOtlpGrpc, Local((*server)->port()));
  const auto outcome = [&](net::RawReply next) {
    reply = std::move(next);
    return target->Send(TwoSpans(), kRows, {}).outcome;
  };
  using net::GrpcCode;
  using net::RawReply;
  EXPECT_EQ(outcome(RawReply::Ok("")), SendOutcome::kDelivered);
  EXPECT_EQ(outcome(RawReply::Fail(GrpcCode::kInvalidArgument, "?")), SendOutcome::kRejected);
  EXPECT_EQ(outcome(RawReply::Fail(GrpcCode::kUnavailable, "?")), SendOutcome::kRetry);
  EXPECT_EQ(outcome(RawReply::Fail(GrpcCode::kUnauthenticated, "?")), SendOutcome::kRetry);
  EXPECT_EQ(outcome(RawReply::Fail(GrpcCode::kResourceExhausted, "queue is full")),
            SendOutcome::kRetry);
  EXPECT_EQ(outcome(RawReply::Fail(GrpcCode::kResourceExhausted,
                                   "grpc: received message larger than max (5 vs. 4)")),
            SendOutcome::kTooLarge);
  // Partial success: { 1 { 1: 1, 2: "bad id" } }
  reply =
      RawReply::Ok(std::string("\x0A\x0A\x08\x01\x12\x06"
                               "bad id",
                               12));
  SendContext context;
  context.tenant = "a";
  const SendResult partial = target->Send(TwoSpans(), kRows, context);
  EXPECT_EQ(partial.outcome, SendOutcome::kDelivered);
  EXPECT_EQ(partial.rejected_spans, 1U);
  EXPECT_EQ(partial.message, "bad id");
  EXPECT_EQ(tenant, "a");
}

TEST(ForwardTarget, ACollectorThatIsAwayOrRefusesIsTriedAgain) {
  const auto nobody = Target(ForwardProtocol::kOtlpGrpc, "127.0.0.1:1");
  EXPECT_EQ(nobody->Send(TwoSpans(), kRows, {}).outcome, SendOutcome::kRetry);
  const auto no_http = Target(ForwardProtocol::kOtlpHttp, "127.0.0.1:1");
  EXPECT_EQ(no_http->Send(TwoSpans(), kRows, {}).outcome, SendOutcome::kRetry);

  int status = 413;
  auto server = net::HttpServer::Start({}, [&status](const net::HttpRequest& /*request*/) {
    auto response = net::HttpResponse::Text(status, "no");
    response.headers.emplace_back("Retry-After", "3");
    return response;
  });
  ASSERT_TRUE(server.has_value());
  const auto http = Target(ForwardProtocol::kOtlpHttp, Local((*server)->port()));
  EXPECT_EQ(http->Send(TwoSpans(), kRows, {}).outcome, SendOutcome::kTooLarge);
  status = 400;
  EXPECT_EQ(http->Send(TwoSpans(), kRows, {}).outcome, SendOutcome::kRejected);
  status = 503;
  const SendResult later = http->Send(TwoSpans(), kRows, {});
  EXPECT_EQ(later.outcome, SendOutcome::kRetry);
  EXPECT_EQ(later.after, std::chrono::seconds(3));
  EXPECT_EQ(later.message, "HTTP 503");
}

TEST(ForwardTarget, AddressesAreChecked) {
  const auto message = [](ForwardProtocol protocol, const std::string& address) {
    const auto target = MakeForwardTarget(protocol, address);
    return target.has_value() ? std::string("taken") : target.error().message();
  };
  EXPECT_EQ(message(ForwardProtocol::kOtlpGrpc, "collector:4317"), "taken");
  EXPECT_EQ(message(ForwardProtocol::kOtlpHttp, "https://collector"), "taken");
  EXPECT_EQ(message(ForwardProtocol::kOtlpGrpc, "collector:0"),
            "collector 'collector:0' has no port");
  EXPECT_NE(message(ForwardProtocol::kOtlpGrpc, ""), "taken");
  // What charts and operators tell Jaeger's agents.
  EXPECT_EQ(message(ForwardProtocol::kJaegerGrpc, "dns:///collector-headless.ns.svc:14250"),
            "taken");
  EXPECT_EQ(message(ForwardProtocol::kJaegerGrpc, "dns://10.0.0.10/collector:14250"), "taken");
  EXPECT_EQ(message(ForwardProtocol::kOtlpGrpc, "passthrough:///collector:4317"), "taken");
  EXPECT_EQ(message(ForwardProtocol::kJaegerGrpc, "dns://collector:14250"),
            "bad address \"dns://collector:14250\": a name is written dns:///host:port");
  EXPECT_EQ(message(ForwardProtocol::kJaegerGrpc, "http://collector:14250"),
            "bad address \"http://collector:14250\": expected host:port, not a URL");
  EXPECT_NE(message(ForwardProtocol::kJaegerTchannel, "dns:///collector:14267"), "taken");
  for (const auto protocol : {ForwardProtocol::kJaegerGrpc, ForwardProtocol::kOtlpGrpc,
                              ForwardProtocol::kOtlpHttp, ForwardProtocol::kJaegerTchannel}) {
    for (const char* address : {"a:1", ":1", "a:0", "a", "", "dns:///a:1", "dns:///a", "http://a/b",
                                "ftp://a", "passthrough:///a:1", "::1:1"}) {
      EXPECT_EQ(CheckCollectorAddress(protocol, address).has_value(),
                MakeForwardTarget(protocol, address).has_value())
          << ForwardProtocolName(protocol) << " " << address;
    }
  }
}

}  // namespace
}  // namespace tracestore::ingest
