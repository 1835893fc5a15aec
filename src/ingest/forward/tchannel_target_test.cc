// Spans sent by TChannel to our own receiver, and what other collectors may answer.
#include "ingest/forward/tchannel_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <vector>

#include "codec/thrift/binary_writer.h"
#include "ingest/receivers/tchannel.h"
#include "net/testing/test_certificates.h"

namespace tracestore::ingest {
namespace {

using codec::TchannelCall;
using codec::TchannelErrorCode;
using codec::TchannelType;
using testing::HasSubstr;

class Kept final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    const std::lock_guard lock(mutex);
    if (refusal) return *refusal;
    EXPECT_EQ(context.source.transport, "tchannel");
    for (const auto& span : batch.spans)
      ++ids[std::string(model::ServiceOf(batch, span))][span.span_id.value];
    return {};
  }
  std::mutex mutex;
  std::optional<Error> refusal;
  std::map<std::string, std::map<std::uint64_t, int>> ids;
};

// So many spans, in turn of two services; each with a text of so many bytes.
model::SpanBatch Spans(std::uint64_t count, std::size_t text = 0) {
  model::SpanBatch batch;
  for (const char* service : {"shop", "bank"}) {
    const auto at = static_cast<std::uint32_t>(batch.attributes.size());
    batch.AddString(batch.strings.Intern("service.name"), service);
    model::ResourceRecord resource;
    resource.attributes = {at, 1};
    batch.resources.push_back(resource);
  }
  model::ScopeRecord scope;
  batch.scopes.push_back(scope);
  for (std::uint64_t i = 1; i <= count; ++i) {
    model::SpanRecord span;
    span.trace_id = TraceId{0, 7};
    span.span_id = SpanId{i};
    span.resource = static_cast<std::uint32_t>(i % 2);
    span.name = batch.strings.Intern("buy" + std::string(text, 'x') + std::to_string(i));
    span.start_ns = 1'700'000'000'000'000'000;
    span.duration_ns = 5'000;
    span.presence = model::kHasStart | model::kHasDuration;
    batch.spans.push_back(span);
  }
  return batch;
}

std::vector<std::uint32_t> Rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

std::string Local(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

std::unique_ptr<ForwardTarget> Target(std::uint16_t port, const CollectorAccess& access = {}) {
  auto target = MakeForwardTarget(ForwardProtocol::kJaegerTchannel, Local(port), access);
  EXPECT_TRUE(target.has_value()) << target.error().message();
  return std::move(*target);
}

std::unique_ptr<TchannelReceiver> Receiver(const Intake& intake, TchannelOptions options = {}) {
  auto receiver = TchannelReceiver::Start(std::move(options), intake);
  EXPECT_TRUE(receiver.has_value()) << receiver.error().message();
  return std::move(*receiver);
}

TEST(TchannelTarget, SpansOfSeveralServicesArriveAtOurOwnReceiver) {
  Kept kept;
  const Intake intake(kept);
  const auto receiver = Receiver(intake);
  const auto target = Target(receiver->port());
  EXPECT_EQ(target->name(), Local(receiver->port()));
  const SendResult sent = target->Send(Spans(5), Rows(5), {});
  EXPECT_EQ(sent.outcome, SendOutcome::kDelivered) << sent.message;
  EXPECT_EQ(kept.ids["bank"].size(), 3U);
  EXPECT_EQ(kept.ids["shop"].size(), 2U);
  // Some rows only, over the connection that is open.
  const std::uint32_t last[] = {4};
  EXPECT_EQ(target->Send(Spans(5), last, {}).outcome, SendOutcome::kDelivered);
  EXPECT_EQ(kept.ids["bank"][5], 2);
  EXPECT_EQ(receiver->connections(), 1U);
}

TEST(TchannelTarget, MessagesOfManyFrames) {
  Kept kept;
  const Intake intake(kept);
  const auto receiver = Receiver(intake);
  const SendResult sent = Target(receiver->port())->Send(Spans(3'000, 1'000), Rows(3'000), {});
  EXPECT_EQ(sent.outcome, SendOutcome::kDelivered) << sent.message;
  EXPECT_EQ(kept.ids["bank"].size() + kept.ids["shop"].size(), 3'000U);
  // One beyond the collector's bound goes in parts.
  TchannelOptions options;
  options.max_call_bytes = 100'000;
  const auto small = Receiver(intake, options);
  EXPECT_EQ(Target(small->port())->Send(Spans(300, 1'000), Rows(300), {}).outcome,
            SendOutcome::kTooLarge);
}

TEST(TchannelTarget, ACollectorThatIsFullOrAwayIsTriedAgain) {
  Kept kept;
  const Intake intake(kept);
  auto receiver = Receiver(intake);
  const auto target = Target(receiver->port());
  for (const ErrorCode code : {ErrorCode::kBusy, ErrorCode::kIo}) {
    kept.refusal = Error(code, "not now");
    const SendResult full = target->Send(Spans(2), Rows(2), {});
    EXPECT_EQ(full.outcome, SendOutcome::kRetry);
    EXPECT_THAT(full.message, HasSubstr("not now"));
  }
  kept.refusal.reset();
  const std::uint16_t port = receiver->port();
  receiver.reset();
  EXPECT_EQ(target->Send(Spans(2), Rows(2), {}).outcome, SendOutcome::kRetry);
  EXPECT_TRUE(kept.ids.empty());
  TchannelOptions again;
  again.server.port = port;
  receiver = Receiver(intake, again);
  EXPECT_EQ(target->Send(Spans(2), Rows(2), {}).outcome, SendOutcome::kDelivered);
}

TEST(TchannelTarget, OverTls) {
  const net::TestCertificates certs;
  Kept kept;
  const Intake intake(kept);
  TchannelOptions options;
  options.server.tls = certs.Server();
  const auto receiver = Receiver(intake, options);
  CollectorAccess access;
  access.tls = certs.Client();
  const SendResult sent = Target(receiver->port(), access)->Send(Spans(2), Rows(2), {});
  EXPECT_EQ(sent.outcome, SendOutcome::kDelivered) << sent.message;
}

TEST(TchannelTarget, StrategiesAreTheCollectors) {
  Kept kept;
  const Intake intake(kept);
  TchannelOptions options;
  options.strategies = [](std::string_view service) -> Result<codec::SamplingStrategy> {
    if (service == "broken") return Error(ErrorCode::kIo, "no strategy");
    codec::SamplingStrategy strategy;
    strategy.probability = 0.25;
    return strategy;
  };
  const auto receiver = Receiver(intake, options);
  const auto ask = AskByTchannel(Local(receiver->port()), std::chrono::seconds(20));
  ASSERT_TRUE(ask.has_value());
  EXPECT_EQ((*ask)("", "shop")->probability, 0.25);
  EXPECT_THAT((*ask)("", "broken").error().message(), HasSubstr("no strategy"));
  EXPECT_FALSE(AskByTchannel("nonsense:port", std::chrono::seconds(1)).has_value());
}

// A collector that answers every call with these frames.
class Answers {
 public:
  explicit Answers(std::function<std::string(std::uint32_t id)> answer) {
    net::FrameProtocol protocol;
    protocol.header_bytes = codec::kTchannelHeaderBytes;
    protocol.rest = codec::TchannelPayloadSize;
    protocol.open = [answer = std::move(answer)](std::string_view) -> net::FrameSession {
      return [answer](std::string_view bytes) {
        const auto frame = codec::DecodeTchannelFrame(bytes);
        net::FrameAnswer out;
        if (frame->type == TchannelType::kInitReq) {
          codec::AppendTchannelInit(TchannelType::kInitRes, frame->id, {2, {}}, out.bytes);
        } else if (frame->type == TchannelType::kCallReq) {
          out.bytes = answer(frame->id);
        }
        return out;
      };
    };
    net::FramedServerOptions options;
    auto server = net::FramedServer::Start(options, std::move(protocol));
    EXPECT_TRUE(server.has_value());
    server_ = std::move(*server);
  }
  SendResult Send(std::chrono::milliseconds timeout = std::chrono::seconds(20)) const {
    SendContext context;
    context.timeout = timeout;
    return Target(server_->port())->Send(Spans(2), Rows(2), context);
  }

 private:
  std::unique_ptr<net::FramedServer> server_;
};

std::string Responses(std::uint32_t id, std::vector<bool> oks) {
  TchannelCall call;
  call.is_answer = true;
  call.args[1] = codec::kNoTchannelHeaders;
  codec::ThriftBinaryWriter writer(call.args[2]);
  writer.ListField(0, codec::ThriftType::kStruct, oks.size());
  for (const bool ok : oks) {
    writer.BoolField(1, ok);
    writer.Stop();
  }
  writer.Stop();
  std::string out;
  codec::AppendTchannelCall(id, call, out);
  return out;
}

TEST(TchannelTarget, JudgesWhatOtherCollectorsAnswer) {
  using Code = TchannelErrorCode;
  const auto refused = [](Code code, std::string text) {
    return Answers([code, text = std::move(text)](std::uint32_t id) {
             std::string out;
             codec::AppendTchannelError(id, {code, text}, out);
             return out;
           })
        .Send()
        .outcome;
  };
  EXPECT_EQ(refused(Code::kBusy, "queue"), SendOutcome::kRetry);
  EXPECT_EQ(refused(Code::kUnexpected, "oops"), SendOutcome::kRetry);
  EXPECT_EQ(refused(Code::kBadRequest, "error reading list begin: EOF"), SendOutcome::kRejected);
  EXPECT_EQ(refused(Code::kBadRequest, "no handler for service \"x\" and method \"y\""),
            SendOutcome::kRetry);

  const auto answered = [](std::vector<bool> oks) {
    return Answers([oks](std::uint32_t id) { return Responses(id, oks); }).Send();
  };
  EXPECT_EQ(answered({true, true}).outcome, SendOutcome::kDelivered);
  const SendResult partly = answered({true, false});
  EXPECT_EQ(partly.outcome, SendOutcome::kRetry);
  EXPECT_EQ(partly.message, "the collector took 1 of 2 batches");
  EXPECT_EQ(answered({}).outcome, SendOutcome::kRetry);
  // No answer to this call, garbage, silence.
  EXPECT_EQ(Answers([](std::uint32_t id) { return Responses(id + 1, {true}); })
                .Send(std::chrono::milliseconds(50))
                .outcome,
            SendOutcome::kRetry);
  const SendResult garbage = Answers([](std::uint32_t) { return std::string(64, 'G'); }).Send();
  EXPECT_EQ(garbage.outcome, SendOutcome::kRetry);
}

TEST(TchannelTarget, RefusesAddressesThatAreNone) {
  EXPECT_FALSE(MakeForwardTarget(ForwardProtocol::kJaegerTchannel, "host:0").has_value());
  EXPECT_FALSE(MakeForwardTarget(ForwardProtocol::kJaegerTchannel, "nonsense:port").has_value());
}

}  // namespace
}  // namespace tracestore::ingest
