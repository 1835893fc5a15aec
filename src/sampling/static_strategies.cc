#include "sampling/static_strategies.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <set>
#include <utility>

namespace tracestore::sampling {
namespace {

constexpr std::size_t kMaxWarnings = 100;

std::string Shown(const codec::FileStrategy& strategy) {
  char number[32];
  std::snprintf(number, sizeof number, "%g", strategy.param);
  return "type '" + strategy.type.substr(0, 64) + "', param " + number;
}

std::int32_t WholeRate(double param) {
  constexpr double kLeast = std::numeric_limits<std::int32_t>::min();
  constexpr double kMost = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp(param, kLeast, kMost));
}

}  // namespace

void StaticStrategies::Warn(std::string sentence) {
  if (warnings_.size() < kMaxWarnings) warnings_.push_back(std::move(sentence));
}

codec::SamplingStrategy StaticStrategies::Convert(const codec::FileStrategy& strategy,
                                                  std::string_view where) {
  codec::SamplingStrategy out;
  if (strategy.type == "ratelimiting") {
    out.type = codec::StrategyType::kRateLimiting;
    out.traces_per_second = WholeRate(strategy.param);
    return out;
  }
  out.probability = strategy.param;
  if (strategy.type != "probabilistic") {
    Warn("Failed to parse sampling strategy: " + std::string(where) + ", " + Shown(strategy));
    out.probability = default_probability_;
  } else if (!(strategy.param >= 0 && strategy.param <= 1)) {
    Warn("sampling probability is not from 0 to 1: " + std::string(where) + ", " + Shown(strategy));
  }
  return out;
}

codec::SamplingStrategy StaticStrategies::Convert(const codec::FileServiceStrategy& service,
                                                  std::string_view where) {
  codec::SamplingStrategy out = Convert(service.strategy, where);
  if (service.operations.empty()) return out;
  codec::OperationStrategies operations;
  operations.default_probability = out.probability.value_or(default_probability_);
  for (const codec::FileOperationStrategy& each : service.operations) {
    const std::string name = each.operation.substr(0, 256);
    const auto strategy = Convert(each.strategy, std::string(where) + ", operation '" + name + "'");
    if (strategy.probability.has_value()) {
      operations.operations.push_back({each.operation, *strategy.probability});
      continue;
    }
    char number[32];
    std::snprintf(number, sizeof number, "%f", operations.default_probability);
    Warn("Operation strategies only supports probabilistic sampling at the moment,'" + name +
         "' defaulting to probabilistic sampling with probability " + number);
  }
  out.operations = std::move(operations);
  return out;
}

void StaticStrategies::Inherit(codec::SamplingStrategy& service) const {
  if (!default_.operations.has_value()) return;
  if (!service.operations.has_value()) {
    service.operations = default_.operations;
    if (service.probability.has_value())
      service.operations->default_probability = *service.probability;
    return;
  }
  auto& own = service.operations->operations;
  std::set<std::string_view> named;
  for (const codec::OperationStrategy& each : own) named.insert(each.operation);
  std::vector<codec::OperationStrategy> inherited;
  for (const codec::OperationStrategy& each : default_.operations->operations)
    if (!named.contains(each.operation)) inherited.push_back(each);
  own.insert(own.end(), inherited.begin(), inherited.end());
}

StaticStrategies StaticStrategies::From(const std::optional<codec::StrategiesFile>& file,
                                        double default_probability) {
  StaticStrategies out(default_probability);
  out.default_.probability = default_probability;
  if (!file.has_value()) return out;
  if (file->default_strategy.has_value())
    out.default_ = out.Convert(*file->default_strategy, "the default strategy");
  for (const codec::FileServiceStrategy& each : file->services) {
    auto strategy = out.Convert(each, "service '" + each.service.substr(0, 256) + "'");
    out.Inherit(strategy);
    out.services_.insert_or_assign(each.service, std::move(strategy));
  }
  return out;
}

const codec::SamplingStrategy& StaticStrategies::For(std::string_view service) const noexcept {
  const auto found = services_.find(service);
  return found == services_.end() ? default_ : found->second;
}

}  // namespace tracestore::sampling
