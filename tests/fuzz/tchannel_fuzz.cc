// Any bytes as the frames of one TChannel connection: nothing breaks, what is answered are whole
// frames of the types that a server sends.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/tchannel/call.h"
#include "ingest/receivers/tchannel.h"

namespace {

using namespace tracestore;

class NullSink final : public ingest::SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const ingest::SpanContext&) override {
    if (batch.empty()) std::abort();
    return {};
  }
};

void CheckAnswers(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto rest = codec::TchannelPayloadSize(bytes.substr(0, codec::kTchannelHeaderBytes));
    if (!rest || codec::kTchannelHeaderBytes + *rest > bytes.size()) std::abort();
    const auto frame =
        codec::DecodeTchannelFrame(bytes.substr(0, codec::kTchannelHeaderBytes + *rest));
    if (!frame.has_value()) std::abort();
    switch (frame->type) {
      case codec::TchannelType::kInitRes:
        if (!codec::DecodeTchannelInit(frame->payload).has_value()) std::abort();
        break;
      case codec::TchannelType::kError:
        if (!codec::DecodeTchannelError(frame->payload).has_value()) std::abort();
        break;
      case codec::TchannelType::kCallRes:
      case codec::TchannelType::kCallResContinue:
      case codec::TchannelType::kPingRes: break;
      default: std::abort();
    }
    bytes.remove_prefix(codec::kTchannelHeaderBytes + *rest);
  }
}

Result<codec::SamplingStrategy> Strategy(std::string_view service) {
  if (service.empty()) return Error(ErrorCode::kNotFound, "no service");
  codec::SamplingStrategy strategy;
  strategy.probability = 0.5;
  return strategy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static NullSink sink;
  static const ingest::Intake intake(sink);
  ingest::TchannelOptions options;
  options.max_call_bytes = 100'000;
  options.strategies = Strategy;
  ingest::ByteBudget pending(200'000);
  const ingest::TchannelShared shared{options, intake, pending};
  ingest::TchannelSession session(shared);
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  while (bytes.size() >= codec::kTchannelHeaderBytes) {
    const auto rest = codec::TchannelPayloadSize(bytes.substr(0, codec::kTchannelHeaderBytes));
    if (!rest || codec::kTchannelHeaderBytes + *rest > bytes.size()) return 0;
    const auto answer = session.Take(bytes.substr(0, codec::kTchannelHeaderBytes + *rest), {});
    CheckAnswers(answer.bytes);
    if (answer.end) return 0;
    bytes.remove_prefix(codec::kTchannelHeaderBytes + *rest);
  }
  return 0;
}
