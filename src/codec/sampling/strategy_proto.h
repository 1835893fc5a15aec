// jaeger.api_v2.SamplingManager's two messages, both ways, as protobuf bytes
// (docs/format/sampling.md).
#pragma once
#include <tracestore/status.h>

#include <string>
#include <string_view>

#include "codec/sampling/strategy.h"

namespace tracestore::codec {

// SamplingStrategyParameters: the service that asks.
std::string EncodeStrategyRequest(std::string_view service);
Result<std::string> DecodeStrategyRequest(std::string_view bytes);

// SamplingStrategyResponse. Unknown fields are passed over. Errors: kInvalidArgument.
std::string EncodeStrategyResponse(const SamplingStrategy& strategy);
Result<SamplingStrategy> DecodeStrategyResponse(std::string_view bytes);

}  // namespace tracestore::codec
