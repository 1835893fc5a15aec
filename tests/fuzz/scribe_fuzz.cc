// Any frame to the Scribe receiver: nothing breaks, and an answer stands only where a call stood.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/thrift/thrift_reader.h"
#include "ingest/receivers/scribe.h"

namespace {

using namespace tracestore;

class NullSink final : public ingest::SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const ingest::SpanContext&) override {
    if (batch.empty()) std::abort();
    return {};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static NullSink sink;
  static const ingest::Intake intake(sink);
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  const auto answer = ingest::AnswerScribe(frame, intake, {});
  if (!answer || answer->empty()) return 0;
  codec::ThriftReader call(frame, codec::ThriftProtocol::kBinary);
  codec::ThriftReader reply(*answer, codec::ThriftProtocol::kBinary);
  if (call.Message().sequence != reply.Message().sequence || !call.ok() || !reply.ok())
    std::abort();
  return 0;
}
