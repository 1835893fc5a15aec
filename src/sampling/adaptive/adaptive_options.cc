#include "sampling/adaptive/adaptive_options.h"

#include <cmath>
#include <cstdio>

namespace tracestore::sampling {
namespace {

std::string Text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  return buffer;
}

Error Wrong(const char* name, const std::string& value, const char* range) {
  return {ErrorCode::kInvalidArgument,
          std::string("adaptive sampling: ") + name + " is " + value + ", not " + range};
}

Status CheckDuration(const char* name, std::chrono::nanoseconds value, bool zero_too) {
  constexpr auto kMost = std::chrono::hours(24);
  if (value <= kMost && (value > std::chrono::nanoseconds(0) || (zero_too && value.count() == 0)))
    return {};
  return Wrong(name, Text(std::chrono::duration<double>(value).count()) + "s",
               zero_too ? "from 0 to 24h" : "above 0 to 24h");
}

Status CheckProbability(const char* name, double value) {
  if (value > 0 && value <= 1) return {};
  return Wrong(name, Text(value), "above 0 to 1");
}

}  // namespace

Status AdaptiveOptions::Validate() const {
  if (!(target_samples_per_second > 0 && std::isfinite(target_samples_per_second)))
    return Wrong("target_samples_per_second", Text(target_samples_per_second), "above 0");
  if (!(delta_tolerance >= 0 && delta_tolerance < 1))
    return Wrong("delta_tolerance", Text(delta_tolerance), "from 0 to below 1");
  if (aggregation_buckets < 1 || aggregation_buckets > 1000)
    return Wrong("aggregation_buckets", std::to_string(aggregation_buckets), "from 1 to 1000");
  if (calculation_buckets < 1 || calculation_buckets > aggregation_buckets)
    return Wrong("calculation_buckets", std::to_string(calculation_buckets),
                 "from 1 to aggregation_buckets");
  if (!(min_samples_per_second >= 0 && std::isfinite(min_samples_per_second)))
    return Wrong("min_samples_per_second", Text(min_samples_per_second), "0 or more");
  if (max_operations < 1) return Wrong("max_operations", "0", "1 or more");
  for (const Status& status : {
           CheckProbability("initial_sampling_probability", initial_sampling_probability),
           CheckProbability("min_sampling_probability", min_sampling_probability),
           CheckDuration("calculation_interval", calculation_interval, false),
           CheckDuration("calculation_delay", calculation_delay, true),
           CheckDuration("leader_lease_refresh_interval", leader_lease_refresh_interval, false),
           CheckDuration("follower_lease_refresh_interval", follower_lease_refresh_interval, false),
           CheckDuration("client_refresh_interval", client_refresh_interval, true),
       }) {
    if (!status.has_value()) return status;
  }
  return {};
}

}  // namespace tracestore::sampling
