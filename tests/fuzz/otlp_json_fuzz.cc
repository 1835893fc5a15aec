// Any bytes as OTLP/JSON, as one request and as lines; what was read is written and read again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/otlp/json_decoder.h"
#include "codec/otlp/json_encoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  model::SpanBatch lines;
  (void)codec::DecodeOtlpJsonLines(text, lines).has_value();
  model::SpanBatch batch;
  const auto report = codec::DecodeOtlpJson(text, batch);
  if (!report.has_value()) {
    if (!batch.empty()) std::abort();
    return 0;
  }
  if (report->accepted != batch.size()) std::abort();
  std::string written;
  codec::EncodeOtlpJson(batch, written);
  model::SpanBatch back;
  const auto again = codec::DecodeOtlpJson(written, back);
  if (!again.has_value() || back.size() != batch.size()) {
    std::fprintf(stderr, "what was read can't be written\n");
    std::abort();
  }
  for (std::size_t row = 0; row < batch.size(); ++row) {
    // Kinds and status codes of later versions have no place in JSON (docs/format/otlp.md).
    if (batch.spans[row].unknown_fields != 0) continue;
    if (!model::SpansEqual(batch, batch.spans[row], back, back.spans[row])) {
      std::fprintf(stderr, "row %zu is written as another\n", row);
      std::abort();
    }
  }
  return 0;
}
