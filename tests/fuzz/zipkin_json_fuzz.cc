// Any text through the Zipkin JSON codec: nothing breaks, and what was taken comes back equal.
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json/json_error.h"
#include "codec/zipkin/zipkin_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  model::SpanBatch strict;
  const auto whole = codec::DecodeZipkinJson(text, strict, {.strict = true});
  if (!whole.has_value() && !strict.empty()) std::abort();
  model::SpanBatch batch;
  const auto report = codec::DecodeZipkinJson(text, batch);
  if (!report.has_value()) {
    // A server reads nothing behind the list, where a file is no JSON.
    const bool same = !codec::FindJsonError(text, true).has_value();
    if (!batch.empty() || (same && whole.has_value())) std::abort();
    return 0;
  }
  if ((*report).accepted != batch.size()) std::abort();
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  codec::EncodeZipkinSpans(batch, rows, out);
  model::SpanBatch again;
  if (!codec::DecodeZipkinJson(out, again, {.strict = true}).has_value()) std::abort();
  if (again.size() != batch.size()) std::abort();
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (!model::SpansEqual(batch, batch.spans[i], again, again.spans[i])) std::abort();
  return 0;
}
