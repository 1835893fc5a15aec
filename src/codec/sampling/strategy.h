// SamplingStrategy: what a client is told of how to sample, whatever the protocol that tells it.
// docs/format/sampling.md has its forms on the wire.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tracestore::codec {

// The numbers stand in the thrift and protobuf definitions and in the legacy JSON.
enum class StrategyType : std::uint8_t { kProbabilistic = 0, kRateLimiting = 1 };

struct OperationStrategy {
  std::string operation;
  double probability = 0;

  bool operator==(const OperationStrategy&) const = default;
};

// Strategies by operation: a client samples an operation that stands in the list by its
// probability, any other by the default one, and each at least so often as the lower bound says.
struct OperationStrategies {
  double default_probability = 0;
  double lower_bound = 0;  // traces a second and operation
  double upper_bound = 0;  // traces a second and operation; 0 = none
  std::vector<OperationStrategy> operations;

  bool operator==(const OperationStrategies&) const = default;
};

// A client looks at `operations` first, then at what `type` names.
struct SamplingStrategy {
  StrategyType type = StrategyType::kProbabilistic;
  std::optional<double> probability;  // 0 to 1
  std::optional<std::int32_t> traces_per_second;
  std::optional<OperationStrategies> operations;

  bool operator==(const SamplingStrategy&) const = default;
};

// A key that a client may put into baggage, and the greatest length of its value in bytes.
struct BaggageRestriction {
  std::string key;
  std::int32_t max_value_length = 0;

  bool operator==(const BaggageRestriction&) const = default;
};

}  // namespace tracestore::codec
