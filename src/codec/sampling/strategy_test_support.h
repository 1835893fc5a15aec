// What the tests of both binary forms of a strategy share.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "codec/sampling/strategy.h"

namespace tracestore::codec {

inline std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// The same strategy for the same seed. `Rate`: the type that the form has for traces a second.
template <typename Rate>
SamplingStrategy ArbitraryStrategy(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto number = [&random] { return static_cast<double>(random()) / 1e19; };
  SamplingStrategy out;
  out.type = random() % 2 == 0 ? StrategyType::kProbabilistic : StrategyType::kRateLimiting;
  if (random() % 2 == 0) out.probability = number();
  if (random() % 2 == 0) out.traces_per_second = static_cast<Rate>(random());
  if (random() % 2 == 0) {
    out.operations = OperationStrategies{number(), number(), random() % 2 == 0 ? number() : 0, {}};
    for (auto count = random() % 4; count > 0; --count)
      out.operations->operations.push_back({std::string(random() % 300, 'x'), number()});
  }
  return out;
}

}  // namespace tracestore::codec
