#include "ingest/receivers/tchannel_methods.h"

#include <utility>
#include <vector>

#include "base/try.h"
#include "codec/jaeger/thrift_decoder.h"
#include "codec/sampling/strategy_thrift.h"
#include "codec/thrift/binary_writer.h"
#include "codec/zipkin/zipkin_v1_thrift.h"

namespace tracestore::ingest {
namespace {

using codec::TchannelCall;
using codec::TchannelErrorCode;
using codec::ThriftBinaryWriter;
using codec::ThriftType;

// A method's answer as a Thrift struct, or why there is none.
struct MethodAnswer {
  std::string result;
  TchannelErrorCode error = TchannelErrorCode::kUnexpected;  // with a message
  std::string message;
};

MethodAnswer Refused(TchannelErrorCode code, std::string message) {
  return {"", code, std::move(message)};
}

// 0: list of {1: required bool ok}.
MethodAnswer AllOk(std::size_t count) {
  MethodAnswer out;
  ThriftBinaryWriter writer(out.result);
  writer.ListField(0, ThriftType::kStruct, count);
  for (std::size_t i = 0; i < count; ++i) {
    writer.BoolField(1, true);
    writer.Stop();
  }
  writer.Stop();
  return out;
}

// `count` is what the decoder has found; an agent that is told busy tries again within its second.
MethodAnswer AnswerOf(const IntakeAnswer& answer, const std::size_t& count) {
  switch (answer.outcome) {
    case IntakeOutcome::kTaken: return AllOk(count);
    case IntakeOutcome::kBusy: return Refused(TchannelErrorCode::kBusy, answer.message);
    case IntakeOutcome::kUnavailable: return Refused(TchannelErrorCode::kDeclined, answer.message);
    case IntakeOutcome::kMalformed: return Refused(TchannelErrorCode::kBadRequest, answer.message);
    case IntakeOutcome::kUnsupported: break;
  }
  return Refused(TchannelErrorCode::kUnexpected, answer.message);
}

MethodAnswer SubmitBatches(const TchannelCall& call, const TchannelShared& shared) {
  std::vector<codec::JaegerBatchInfo> batches;
  const IntakeAnswer answer = shared.intake.Take(
      call.args[2],
      [&batches](std::string_view bytes, model::SpanBatch& batch) {
        return codec::DecodeJaegerThrift(bytes, codec::ThriftProtocol::kBinary,
                                         codec::JaegerThriftShape::kArguments, batch, &batches);
      },
      {transport::kTchannel, format::kJaegerThrift, shared.options.tenant});
  return AnswerOf(answer, batches.size());
}

MethodAnswer SubmitZipkinBatch(const TchannelCall& call, const TchannelShared& shared) {
  std::uint32_t listed = 0;
  const IntakeAnswer answer = shared.intake.Take(
      call.args[2],
      [&listed](std::string_view bytes, model::SpanBatch& batch) {
        codec::ThriftReader in(bytes, codec::ThriftProtocol::kBinary);
        return codec::DecodeZipkinThriftArguments(in, batch, &listed);
      },
      {transport::kTchannel, format::kZipkinThrift, shared.options.tenant});
  return AnswerOf(answer, listed);
}

MethodAnswer GetSamplingStrategy(const TchannelCall& call, const TchannelShared& shared) {
  const auto service = codec::DecodeStrategyArguments(call.args[2]);
  if (!service.has_value())
    return Refused(TchannelErrorCode::kBadRequest, service.error().message());
  const auto strategy = shared.options.strategies(*service);
  if (!strategy.has_value())
    return Refused(TchannelErrorCode::kUnexpected, strategy.error().message());
  return {codec::EncodeStrategyResult(*strategy), {}, ""};
}

// HealthStatus { 1: bool ok }
MethodAnswer Health() {
  MethodAnswer out;
  ThriftBinaryWriter writer(out.result);
  writer.Begin(0, ThriftType::kStruct);
  writer.BoolField(1, true);
  writer.Stop();
  writer.Stop();
  return out;
}

// VersionInfo { 1: language, 2: its version, 3: the library's version }
MethodAnswer VersionInfo(const TchannelShared& shared) {
  MethodAnswer out;
  ThriftBinaryWriter writer(out.result);
  writer.Begin(0, ThriftType::kStruct);
  writer.TextField(1, "cpp");
  writer.TextField(2, std::to_string(__cplusplus));
  writer.TextField(3, shared.options.version);
  writer.Stop();
  writer.Stop();
  return out;
}

MethodAnswer Run(const TchannelCall& call, const TchannelShared& shared) {
  if (call.ttl_ms == 0) return Refused(TchannelErrorCode::kBadRequest, "the call's ttl is 0");
  const std::string& method = call.args[0];
  if (method == "Collector::submitBatches") return SubmitBatches(call, shared);
  if (method == "ZipkinCollector::submitZipkinBatch") return SubmitZipkinBatch(call, shared);
  if (method == "SamplingManager::getSamplingStrategy" && shared.options.strategies)
    return GetSamplingStrategy(call, shared);
  if (method == "Meta::health") return Health();
  if (method == "Meta::versionInfo") return VersionInfo(shared);
  return Refused(TchannelErrorCode::kBadRequest, "no handler for service \"" + call.service +
                                                     "\" and method \"" + method + "\"");
}

}  // namespace

void AnswerTchannelCall(std::uint32_t id, const TchannelCall& call, const TchannelShared& shared,
                        std::string& out) {
  MethodAnswer answer = Run(call, shared);
  if (answer.result.empty())
    return codec::AppendTchannelError(id, {answer.error, answer.message}, out);
  TchannelCall made;
  made.is_answer = true;
  const std::string_view scheme = call.header("as");
  made.headers.emplace_back("as", scheme.empty() ? "thrift" : scheme);
  made.checksum = call.checksum == codec::TchannelChecksum::kFarm32 ? codec::TchannelChecksum::kNone
                                                                    : call.checksum;
  made.args = {"", std::string(codec::kNoTchannelHeaders), std::move(answer.result)};
  codec::AppendTchannelCall(id, made, out);
}

}  // namespace tracestore::ingest
