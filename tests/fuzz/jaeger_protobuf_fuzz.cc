// Any bytes as a PostSpansRequest. Where protobuf is there, its parser says what is right; and what
// was read must come back from our own encoder.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "codec/jaeger/protobuf_decoder.h"
#include "codec/jaeger/protobuf_encoder.h"
#ifdef TS_HAVE_REFERENCE
#include "codec/jaeger/testing/reference_protobuf.h"
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
    codec::SilenceJaegerProtobufLog();
    return true;
  }();
  (void)silent;
  const std::string difference = codec::CompareJaegerProtobufDecoders(message);
  if (!difference.empty()) Fail(difference);
#endif
  model::SpanBatch batch;
  const auto report = codec::DecodeJaegerProtobuf(message, batch);
  if (!report.has_value()) {
    if (!batch.empty()) Fail("spans of a refused message");
    return 0;
  }
  if (report->accepted != batch.size()) Fail("the report miscounts");
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string bytes;
  codec::EncodeJaegerProtobuf(batch, rows, bytes);
  model::SpanBatch back;
  const auto again = codec::DecodeJaegerProtobuf(bytes, back);
  if (!again.has_value() || back.size() != batch.size()) Fail("what was read can't be written");
  for (std::size_t row = 0; row < batch.size(); ++row) {
    if (!model::SpansEqual(batch, batch.spans[row], back, back.spans[row]))
      Fail("row " + std::to_string(row) + " is written as another");
  }
  return 0;
}
