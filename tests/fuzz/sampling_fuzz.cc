// Any bytes through the readers of sampling: the strategies file, both forms of an answer, baggage
// restrictions and the gRPC messages. Nothing breaks, and what was taken comes back equal.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/sampling/strategies_file.h"
#include "codec/sampling/strategy_json.h"
#include "codec/sampling/strategy_proto.h"
#include "sampling/adaptive/root_spans.h"
#include "sampling/adaptive/sampling_state.h"
#include "sampling/static_strategies.h"

using namespace tracestore;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void TryFile(std::string_view text) {
  const auto file = codec::ParseStrategiesFile(text);
  if (!file.has_value()) return;
  const auto strategies = sampling::StaticStrategies::From(*file);
  if (!file->has_value()) return;
  for (const auto& service : (*file)->services) {
    const auto& strategy = strategies.For(service.service);
    Check(strategy.probability.has_value() != strategy.traces_per_second.has_value());
  }
}

void TryJson(std::string_view text) {
  const auto strategy = codec::DecodeStrategyJson(text);
  if (!strategy.has_value()) return;
  const auto again = codec::EncodeStrategyJson(*strategy, codec::StrategyJson::kNames);
  if (!again.has_value()) return;  // NaN and infinity can be read from text
  const auto back = codec::DecodeStrategyJson(*again);
  Check(back.has_value() && *back == *strategy);
}

void TryProto(std::string_view bytes) {
  (void)codec::DecodeStrategyRequest(bytes);
  const auto strategy = codec::DecodeStrategyResponse(bytes);
  if (!strategy.has_value()) return;
  const auto encoded = codec::EncodeStrategyResponse(*strategy);
  const auto back = codec::DecodeStrategyResponse(encoded);
  Check(back.has_value() && codec::EncodeStrategyResponse(*back) == encoded);
}

void TryBaggage(std::string_view text) {
  const auto list = codec::DecodeBaggageJson(text);
  if (!list.has_value()) return;
  const auto back = codec::DecodeBaggageJson(codec::EncodeBaggageJson(*list));
  Check(back.has_value() && *back == *list);
}

void TryState(std::string_view bytes) {
  (void)sampling::ThresholdProbability(bytes);
  const auto report = sampling::DecodeThroughput(bytes);
  if (report.has_value()) {
    const auto again = sampling::DecodeThroughput(sampling::EncodeThroughput(*report));
    Check(again.has_value() && *again == *report);
  }
  const auto states = sampling::DecodeStates(bytes);
  if (states.has_value()) {
    const auto encoded = sampling::EncodeStates(*states);
    const auto again = sampling::DecodeStates(encoded);
    Check(again.has_value() &&
          sampling::EncodeStates(*again) == encoded);  // NaN differs from itself
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  TryFile(bytes);
  TryJson(bytes);
  TryProto(bytes);
  TryBaggage(bytes);
  TryState(bytes);
  return 0;
}
