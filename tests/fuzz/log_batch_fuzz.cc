// Any bytes as a log record's batch of spans: nothing breaks, and what was taken comes back equal.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/engine/batch_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const auto batch = store::DecodeBatch({reinterpret_cast<const char*>(data), size});
  if (!batch.has_value()) return 0;
  const auto again = store::DecodeBatch(store::EncodeBatch(*batch));
  if (!again.has_value() || again->size() != batch->size()) std::abort();
  model::SpanBatch copy;
  model::BatchAppender appender(copy);
  appender.SetSource(*batch);
  for (std::uint32_t row = 0; row < batch->size(); ++row) {
    appender.Append(row);
    const model::SpanRecord& span = batch->spans[row];
    if (!SpansEqual(*batch, span, *again, again->spans[row]) ||
        !SpansEqual(*batch, span, copy, copy.spans[row])) {
      std::abort();
    }
  }
  return 0;
}
