#include "sampling/adaptive/probability_calculator.h"

#include <algorithm>
#include <cmath>

namespace tracestore::sampling {
namespace {

double Seconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

}  // namespace

ProbabilityCalculator::ProbabilityCalculator(const AdaptiveOptions& options) : options_(options) {}

void ProbabilityCalculator::AddBucket(std::uint64_t begin_ns, std::uint64_t end_ns,
                                      const std::vector<ThroughputReport>& reports) {
  Bucket bucket;
  bucket.covers_from_ns = begin_ns;
  bucket.seconds = Seconds(end_ns - begin_ns);
  for (const ThroughputReport& report : reports) {
    bucket.covers_from_ns = std::min(bucket.covers_from_ns, report.begin_ns);
    for (const Throughput& each : report.operations) {
      Sum& sum = bucket.operations[{each.service, each.operation}];
      sum.sampled += each.sampled;
      sum.millionths.insert(each.millionths.begin(), each.millionths.end());
      sum.silent = sum.silent || each.silent;
    }
  }
  buckets_.push_front(std::move(bucket));
  while (buckets_.size() > options_.aggregation_buckets) buckets_.pop_back();
}

ProbabilityCalculator::Measured ProbabilityCalculator::Measure(const Key& key) const {
  Measured out;
  std::vector<double> rates;
  for (const Bucket& bucket : buckets_) {
    if (rates.size() >= options_.calculation_buckets) break;
    const auto found = bucket.operations.find(key);
    if (found == bucket.operations.end() || bucket.seconds <= 0) continue;
    if (out.newest == nullptr) out.newest = &found->second;
    out.covers_from_ns = bucket.covers_from_ns;
    rates.push_back(static_cast<double>(found->second.sampled) / bucket.seconds);
  }
  double total = 0;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const double weight = std::pow(static_cast<double>(rates.size() - i), 4);
    out.samples_per_second += weight * rates[i];
    total += weight;
  }
  if (total > 0) out.samples_per_second /= total;
  return out;
}

double ProbabilityCalculator::Next(const OperationState& state, const Measured& measured) const {
  const double target = options_.target_samples_per_second;
  const double rate = measured.samples_per_second;
  const double old = state.probability;
  const std::uint64_t settled_ns =
      state.changed_ns + static_cast<std::uint64_t>(options_.client_refresh_interval.count());
  if (state.changed_ns != 0 && measured.covers_from_ns < settled_ns) return old;
  if (std::fabs(rate - target) / target < options_.delta_tolerance) return old;
  const bool initial = ToMillionths(old) == ToMillionths(options_.initial_sampling_probability);
  const bool obeys =
      initial ||
      (measured.newest != nullptr &&
       (measured.newest->silent || measured.newest->millionths.contains(ToMillionths(old))));
  if (!obeys) return old;
  const double wanted = rate > 0 ? old * target / rate : old * 2;
  return std::clamp(std::min(wanted, old * 2), options_.min_sampling_probability, 1.0);
}

std::vector<OperationState> ProbabilityCalculator::Calculate(
    const std::vector<OperationState>& before, std::uint64_t now_ns) const {
  std::map<Key, const OperationState*> known;
  for (const OperationState& each : before) known.emplace(Key(each.service, each.operation), &each);
  std::set<Key> keys;
  for (const Bucket& bucket : buckets_)
    for (const auto& [key, sum] : bucket.operations) keys.insert(key);
  std::vector<OperationState> out;
  out.reserve(keys.size());
  for (const Key& key : keys) {
    OperationState state{key.first, key.second, options_.initial_sampling_probability, 0, 0};
    if (const auto found = known.find(key); found != known.end()) state = *found->second;
    const Measured measured = Measure(key);
    state.samples_per_second = measured.samples_per_second;
    const double next = Next(state, measured);
    if (next != state.probability) {
      state.probability = next;
      state.changed_ns = now_ns;
    }
    out.push_back(std::move(state));
  }
  return out;
}

}  // namespace tracestore::sampling
