// What Jaeger's collector changes of spans before it stores them. Here the store keeps them as they
// were sent, and they are changed when they are shown.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::server {

// The name of a service that a Jaeger client left empty.
inline constexpr std::string_view kEmptyServiceName = "empty-service-name";

inline constexpr std::string_view kNegativeDurationWarning =
    "the span ends before it starts; its duration is shown as 0";

struct CollectedSpans {
  model::SpanBatch batch;
  std::vector<bool> negative;  // by row: the duration was less than 0 and is 0 now
};

// A copy with these changes, or nothing where none is needed:
// - A negative duration becomes 0.
// - A resource of a Jaeger client without a service gets kEmptyServiceName.
std::optional<CollectedSpans> AsCollected(const model::SpanBatch& batch);

}  // namespace tracestore::server
