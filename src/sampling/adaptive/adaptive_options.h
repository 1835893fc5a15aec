// The settings of adaptive sampling: Jaeger's names, meanings and defaults, and one of ours.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace tracestore::sampling {

struct AdaptiveOptions {
  // Sampled traces a second that each operation is steered to; above 0.
  double target_samples_per_second = 1;
  // How far from the target is close enough, as a share of it; 0 to below 1.
  double delta_tolerance = 0.3;
  // How often probabilities are calculated; one bucket holds the throughput of one interval.
  std::chrono::nanoseconds calculation_interval = std::chrono::minutes(1);
  std::size_t aggregation_buckets = 10;  // buckets kept; 1 to 1,000
  std::size_t calculation_buckets = 1;   // the newest ones that count; 1 to aggregation_buckets
  // How old throughput must be before it counts, so that all collectors have written theirs.
  std::chrono::nanoseconds calculation_delay = std::chrono::minutes(2);
  double initial_sampling_probability = 0.001;  // of new operations; above 0 to 1
  double min_sampling_probability = 1e-5;       // of all operations; above 0 to 1
  // At least so many traces a second of an operation that is used at all; 0 or more.
  double min_samples_per_second = 1.0 / 60;
  // How often the leader renews its lease, and how long a lease lasts (when others try for it).
  std::chrono::nanoseconds leader_lease_refresh_interval = std::chrono::seconds(5);
  std::chrono::nanoseconds follower_lease_refresh_interval = std::chrono::seconds(60);
  // How often clients ask: throughput is judged only where it was wholly sampled after the last
  // change and this time.
  std::chrono::nanoseconds client_refresh_interval = std::chrono::minutes(1);
  // Operations of which throughput is counted; others get the initial probability, and are counted
  // as left out. A collector needs about 300 bytes for each.
  std::size_t max_operations = 20'000;

  // kInvalidArgument, "adaptive sampling: delta_tolerance is 1.5, not from 0 to below 1".
  Status Validate() const;
};

}  // namespace tracestore::sampling
