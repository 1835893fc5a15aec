// Any bytes as a file of traces: unpacked within a bound, told by content, decoded.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "codec/detect/any_format.h"
#include "codec/detect/decompress.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  constexpr std::uint64_t kMost = 1 << 20;
  const auto content = codec::Decompress({reinterpret_cast<const char*>(data), size}, kMost);
  if (!content.has_value()) return 0;
  if ((*content).size() > kMost) std::abort();
  model::SpanBatch batch;
  const auto report = codec::DecodeAny(*content, std::nullopt, batch);
  if (report.has_value() && (*report).accepted != batch.size()) std::abort();
  return 0;
}
