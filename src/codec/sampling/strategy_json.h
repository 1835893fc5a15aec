// Sampling strategies and baggage restrictions as JSON, both ways (docs/format/sampling.md).
#pragma once
#include <tracestore/status.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/sampling/strategy.h"

namespace tracestore::codec {

enum class StrategyJson : unsigned char {
  kNames,    // "strategyType":"PROBABILISTIC", as /sampling answers
  kNumbers,  // "strategyType":0, as / answers clients of thrift 0.9.2
};

// Errors: kInvalidArgument, "cannot marshall to JSON", for a number that JSON or the thrift
// definition behind kNumbers doesn't have (NaN, more than 32,767 traces a second).
Result<std::string> EncodeStrategyJson(const SamplingStrategy& strategy, StrategyJson form);

// Either form; unknown fields are passed over, absent ones are 0 or unset. Errors:
// kInvalidArgument, one sentence.
Result<SamplingStrategy> DecodeStrategyJson(std::string_view text);

// [{"baggageKey":"user","maxValueLength":64},…], "[]" without any.
std::string EncodeBaggageJson(const std::vector<BaggageRestriction>& restrictions);

// The same form, which is also that of the restrictions' file. Errors: kInvalidArgument, a sentence
// that names the entry: "baggage restriction 2: 'maxValueLength' is not a number from 0 to
// 2147483647".
Result<std::vector<BaggageRestriction>> DecodeBaggageJson(std::string_view text);

}  // namespace tracestore::codec
