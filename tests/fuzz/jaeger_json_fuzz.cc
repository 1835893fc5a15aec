// Any text through the Jaeger JSON codec: nothing breaks, and what was taken comes back equal.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/jaeger/jaeger_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  model::SpanBatch batch;
  const auto report = codec::DecodeJaegerJson(text, batch);
  if (!report.has_value()) {
    if (!batch.empty()) std::abort();
    return 0;
  }
  if ((*report).accepted != batch.size()) std::abort();
  std::string out;
  codec::JsonWriter writer(out);
  writer.BeginArray();
  for (std::uint32_t row = 0; row < batch.size(); ++row)
    codec::WriteJaegerTrace(batch, {&row, 1}, {}, writer);
  writer.EndArray();
  model::SpanBatch again;
  if (!codec::DecodeJaegerJson(out, again).has_value()) std::abort();
  if (again.size() != batch.size()) std::abort();
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (!model::SpansEqual(batch, batch.spans[i], again, again.spans[i])) std::abort();
  return 0;
}
