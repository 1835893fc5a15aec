// A strategy as TChannel's agents ask for it: SamplingManager.getSamplingStrategy of
// src/codec/thrift/idl/sampling.thrift (docs/format/sampling.md).
#pragma once
#include <tracestore/status.h>

#include <string>
#include <string_view>

#include "codec/sampling/strategy.h"

namespace tracestore::codec {

// The arguments and the result of the call, each a struct of the binary protocol without a
// message's header. What isn't in the IDL is passed over. Errors: kInvalidArgument.
std::string EncodeStrategyArguments(std::string_view service);
Result<std::string> DecodeStrategyArguments(std::string_view bytes);

// A rate that no i16 holds is cut to the nearest that does.
std::string EncodeStrategyResult(const SamplingStrategy& strategy);
Result<SamplingStrategy> DecodeStrategyResult(std::string_view bytes);

}  // namespace tracestore::codec
