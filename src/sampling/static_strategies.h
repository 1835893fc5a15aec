// StaticStrategies: what a strategies file means. Merging and warnings are Jaeger's of v1.76.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sampling/strategies_file.h"
#include "codec/sampling/strategy.h"

namespace tracestore::sampling {

// Of services and operations that no strategy names; --sampling.default-sampling-probability.
inline constexpr double kDefaultProbability = 0.001;

// A value: built once, then read from any thread.
//
// The rules:
// - a strategy is probabilistic (param: 0 to 1) or ratelimiting (param: traces a second, its
//   fraction cut off); any other type is the default probability, with a warning;
// - an operation's strategy can only be probabilistic; others are left out, with a warning;
// - a service's operations stand before those of the default strategy, which it gets too, except
//   those it names itself;
// - the probability of a service's other operations is its own where it is probabilistic; where it
//   isn't: the default probability if it names operations, else the default strategy's;
// - of two strategies for one service the last counts.
class StaticStrategies {
 public:
  // Without a file: `default_probability` for everyone.
  static StaticStrategies From(const std::optional<codec::StrategiesFile>& file,
                               double default_probability = kDefaultProbability);

  // The service's, or the default strategy.
  const codec::SamplingStrategy& For(std::string_view service) const noexcept;

  // What was strange in the file, in its order, at most 100 sentences.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 private:
  explicit StaticStrategies(double default_probability)
      : default_probability_(default_probability) {}
  void Warn(std::string sentence);
  codec::SamplingStrategy Convert(const codec::FileStrategy& strategy, std::string_view where);
  codec::SamplingStrategy Convert(const codec::FileServiceStrategy& service,
                                  std::string_view where);
  void Inherit(codec::SamplingStrategy& service) const;

  double default_probability_;
  codec::SamplingStrategy default_;
  std::map<std::string, codec::SamplingStrategy, std::less<>> services_;
  std::vector<std::string> warnings_;
};

}  // namespace tracestore::sampling
