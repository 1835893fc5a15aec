// Any bytes as a queued batch and as agent tags: nothing breaks, and what was taken comes back
// equal.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ingest/forward/agent_tags.h"
#include "ingest/forward/forward_queue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tags = ingest::ParseAgentTags(
      bytes, [](const std::string&) { return std::optional<std::string>("v"); });
  if (tags.has_value() && tags->size() > size) std::abort();
  const auto queued = ingest::DecodeQueued(bytes);
  if (!queued.has_value()) return 0;
  if (ingest::SpansOfQueued(bytes) != queued->batch.size()) std::abort();
  const auto again = ingest::DecodeQueued(ingest::EncodeQueued(queued->batch, queued->tenant));
  if (!again.has_value() || again->batch.size() != queued->batch.size()) std::abort();
  for (std::size_t i = 0; i < queued->batch.size(); ++i)
    if (!model::SpansEqual(queued->batch, queued->batch.spans[i], again->batch,
                           again->batch.spans[i]))
      std::abort();
  return 0;
}
