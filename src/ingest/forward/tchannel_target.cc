#include "ingest/forward/tchannel_target.h"

#ifdef TRACESTORE_HAS_TCHANNEL

#include <utility>

#include "base/try.h"
#include "codec/jaeger/thrift_encoder.h"
#include "codec/sampling/strategy_thrift.h"
#include "codec/thrift/thrift_reader.h"
#include "ingest/forward/tchannel_client.h"

namespace tracestore::ingest {
namespace {

using codec::TchannelErrorCode;
using codec::ThriftTag;
using codec::ThriftType;
using Outcome = TchannelReply::Outcome;

// BatchSubmitResponse { 1: required bool ok }
bool ReadOk(codec::ThriftReader& in) {
  bool ok = false;
  codec::ThriftField field;
  while (in.Next(field)) {
    if (field.tag() == ThriftTag(1, ThriftType::kBool)) {
      ok = in.Bool(field);
    } else {
      in.Skip(field);
    }
  }
  return ok;
}

// 0: list<BatchSubmitResponse>, one a batch. A collector of Jaeger's says no where its queue had no
// room for some span of a batch; which one is not told, so that all go again.
SendResult ReadResponses(std::string_view result) {
  std::size_t batches = 0, taken = 0;
  codec::ThriftReader in(result, codec::ThriftProtocol::kBinary);
  codec::ThriftField field;
  while (in.Next(field)) {
    if (field.tag() != ThriftTag(0, ThriftType::kList)) {
      in.Skip(field);
      continue;
    }
    const codec::ThriftList list = in.List();
    if (list.size != 0 && list.element != ThriftType::kStruct)
      in.Fail("a list of answers holds no structs");
    for (std::uint32_t i = 0; i < list.size && in.ok(); ++i) {
      ++batches;
      if (ReadOk(in)) ++taken;
    }
  }
  SendResult out;
  if (in.ok() && batches != 0 && taken == batches) return out;
  out.outcome = SendOutcome::kRetry;
  out.message = !in.ok() ? in.error().message()
                         : "the collector took " + std::to_string(taken) + " of " +
                               std::to_string(batches) + " batches";
  return out;
}

SendResult Judge(const TchannelReply& reply) {
  if (reply.outcome == Outcome::kAnswered) return ReadResponses(reply.result);
  SendResult out;
  out.outcome = SendOutcome::kRetry;
  out.message = reply.text;
  const bool bad_request =
      reply.outcome == Outcome::kRefused && reply.code == TchannelErrorCode::kBadRequest;
  // A collector without that method may be the wrong one, and is mended by whoever runs it.
  if (bad_request && reply.text.find("no handler for") == std::string::npos) {
    out.outcome = reply.text.find("longer than") != std::string::npos ? SendOutcome::kTooLarge
                                                                      : SendOutcome::kRejected;
  }
  return out;
}

class TchannelTarget final : public ForwardTarget {
 public:
  TchannelTarget(std::string name, std::unique_ptr<TchannelClient> client)
      : name_(std::move(name)), client_(std::move(client)) {}

  SendResult Send(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                  const SendContext& context) override {
    std::string arguments;
    const Status encoded = codec::EncodeSubmitBatches(batch, rows, codec::ThriftProtocol::kBinary,
                                                      /*header=*/false, arguments);
    if (!encoded.has_value())
      return {SendOutcome::kTooLarge, encoded.error().message(), 0, std::nullopt};
    return Judge(client_->Call("Collector::submitBatches", std::move(arguments), context.timeout,
                               context.stop));
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  const std::string name_;
  const std::unique_ptr<TchannelClient> client_;
};

Result<std::unique_ptr<TchannelClient>> ClientOf(const std::string& address,
                                                 std::chrono::milliseconds connect_timeout,
                                                 const CollectorAccess& access) {
  TS_TRY_ASSIGN(const auto at, CollectorAddress(address));
  net::FramedClientOptions options;
  options.host = at.host;
  options.port = at.port;
  options.tls = access.tls;
  options.connect_timeout = connect_timeout;
  return TchannelClient::Make(std::move(options));
}

}  // namespace

Result<std::unique_ptr<ForwardTarget>> MakeTchannelTarget(const std::string& address,
                                                          const CollectorAccess& access) {
  TS_TRY_ASSIGN(auto client, ClientOf(address, access.connect_timeout, access));
  return std::unique_ptr<ForwardTarget>(
      std::make_unique<TchannelTarget>(address, std::move(client)));
}

Result<AskCollector> AskByTchannel(const std::string& address, std::chrono::milliseconds timeout,
                                   const CollectorAccess& access) {
  TS_TRY_ASSIGN(auto made, ClientOf(address, timeout, access));
  const std::shared_ptr<TchannelClient> client = std::move(made);
  return AskCollector(
      [client, timeout](std::string_view /*tenant*/,
                        std::string_view service) -> Result<codec::SamplingStrategy> {
        const TchannelReply reply =
            client->Call("SamplingManager::getSamplingStrategy",
                         codec::EncodeStrategyArguments(service), timeout);
        if (reply.outcome != Outcome::kAnswered) return Error(ErrorCode::kIo, reply.text);
        return codec::DecodeStrategyResult(reply.result);
      });
}

}  // namespace tracestore::ingest

#else

namespace tracestore::ingest {
namespace {

Error Unbuilt() {
  return {ErrorCode::kUnsupported,
          "sending by TChannel needs a build with TRACESTORE_THRIFT and TRACESTORE_ZIPKIN"};
}

}  // namespace

Result<std::unique_ptr<ForwardTarget>> MakeTchannelTarget(const std::string& /*address*/,
                                                          const CollectorAccess& /*access*/) {
  return Unbuilt();
}

Result<AskCollector> AskByTchannel(const std::string& /*address*/,
                                   std::chrono::milliseconds /*timeout*/,
                                   const CollectorAccess& /*access*/) {
  return Unbuilt();
}

}  // namespace tracestore::ingest

#endif
