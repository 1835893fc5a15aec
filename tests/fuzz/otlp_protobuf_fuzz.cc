// Any bytes as an OTLP request. Where protobuf is there, its parser says what is right; and what
// was read must come back from our own encoder.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#ifdef TS_HAVE_REFERENCE
#include "codec/otlp/testing/reference_decoder.h"
#endif

namespace {

void Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
#ifdef TS_HAVE_REFERENCE
  static const bool silent = [] {
    codec::SilenceProtobufLog();
    return true;
  }();
  (void)silent;
  const std::string difference = codec::CompareOtlpDecoders(message);
  if (!difference.empty()) Fail(difference);
#endif
  model::SpanBatch batch;
  const auto report = codec::DecodeOtlpProtobuf(message, batch);
  if (!report.has_value()) {
    if (!batch.empty()) Fail("spans of a refused message");
    return 0;
  }
  if (report->accepted != batch.size()) Fail("the report miscounts");
  std::string bytes;
  codec::EncodeOtlpProtobuf(batch, bytes);
  model::SpanBatch back;
  const auto again = codec::DecodeOtlpProtobuf(bytes, back);
  if (!again.has_value() || back.size() != batch.size()) Fail("what was read can't be written");
  for (std::size_t row = 0; row < batch.size(); ++row) {
    if (!model::SpansEqual(batch, batch.spans[row], back, back.spans[row]))
      Fail("row " + std::to_string(row) + " is written as another");
  }
  return 0;
}
