// ProbabilityCalculator: from what was sampled to the probabilities that are told next. Pure: no
// clock, no store.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sampling/adaptive/adaptive_options.h"
#include "sampling/adaptive/sampling_state.h"

namespace tracestore::sampling {

// The algorithm is Jaeger's: for each operation
// - sampled traces a second over its newest `calculation_buckets` buckets, the newest weighted most
//   (weights ∝ i^4);
// - within the tolerance of the target: the probability stays; so it does where the operation
//   doesn't seem to obey (the newest bucket has spans, and none with this probability);
// - nothing sampled: twice the probability; else probability · target / measured, where a rise is
// at
//   most to the double; within [min, 1].
//
// Two things are ours:
// - Spans that say nothing of their sampling count as obeying: OpenTelemetry's SDKs say nothing.
// - A bucket counts only if all of it was sampled after the last change had reached the clients.
//   Else the same surplus is answered twice, and the probability swings.
//
// Threads: one at a time.
class ProbabilityCalculator {
 public:
  explicit ProbabilityCalculator(const AdaptiveOptions& options);

  // The newest bucket: the reports of all collectors that ended in (`begin_ns`, `end_ns`].
  void AddBucket(std::uint64_t begin_ns, std::uint64_t end_ns,
                 const std::vector<ThroughputReport>& reports);

  // The states to tell from `now_ns` on, given those before. Operations that no bucket has are left
  // out: they begin anew when they are seen again.
  std::vector<OperationState> Calculate(const std::vector<OperationState>& before,
                                        std::uint64_t now_ns) const;

 private:
  using Key = std::pair<std::string, std::string>;  // service, operation
  struct Sum {
    std::uint64_t sampled = 0;
    std::set<std::uint32_t> millionths;
    bool silent = false;
  };
  struct Bucket {
    std::uint64_t covers_from_ns = 0;  // when the first of its reports began to count
    double seconds = 0;
    std::map<Key, Sum> operations;
  };
  struct Measured {
    double samples_per_second = 0;
    std::uint64_t covers_from_ns = 0;
    const Sum* newest = nullptr;
  };

  Measured Measure(const Key& key) const;
  double Next(const OperationState& state, const Measured& measured) const;

  const AdaptiveOptions options_;
  std::deque<Bucket> buckets_;  // the newest first
};

}  // namespace tracestore::sampling
