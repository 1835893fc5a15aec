// StrategyProvider: how a client of this service shall sample. What every sampling endpoint asks
// (HTTP 5778 and 14268, gRPC SamplingManager, TChannel), whatever stands behind it: a file,
// adaptive sampling, or a collector that an agent asks in turn.
#pragma once
#include <tracestore/status.h>

#include <string_view>
#include <vector>

#include "codec/sampling/strategy.h"

namespace tracestore::sampling {

// Threads: every method from any.
class StrategyProvider {
 public:
  virtual ~StrategyProvider() = default;

  // A service that nobody knows gets the default strategy. May block on a proxy's network. Errors:
  // as they come from behind; the endpoints answer "collector error: " and the message.
  virtual Result<codec::SamplingStrategy> StrategyFor(std::string_view service) = 0;

  // The same for a client of a tenant, where what is told is each one's own. "": the request was
  // nobody's.
  virtual Result<codec::SamplingStrategy> StrategyOf(std::string_view /*tenant*/,
                                                     std::string_view service) {
    return StrategyFor(service);
  }
};

// The same for restrictions of baggage.
class BaggageProvider {
 public:
  virtual ~BaggageProvider() = default;
  virtual Result<std::vector<codec::BaggageRestriction>> RestrictionsFor(
      std::string_view service) = 0;
};

}  // namespace tracestore::sampling
