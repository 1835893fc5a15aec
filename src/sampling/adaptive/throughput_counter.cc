#include "sampling/adaptive/throughput_counter.h"

namespace tracestore::sampling {

void ThroughputCounter::Record(const std::vector<RootSpan>& roots) {
  if (roots.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const RootSpan& root : roots) {
    if (root.service.size() + root.operation.size() > kMostNameBytes) {
      ++left_out_;
      continue;
    }
    auto key = std::make_pair(root.service, root.operation);
    auto found = counts_.find(key);
    if (found == counts_.end()) {
      if (counts_.size() >= max_operations_) {
        ++left_out_;
        continue;
      }
      found = counts_.emplace(std::move(key), Count{}).first;
    }
    Count& count = found->second;
    if (root.sampler == SamplerKind::kSilent) {
      count.silent = true;
    } else if (count.millionths.size() < kMaxReportedProbabilities) {
      count.millionths.insert(ToMillionths(root.probability));
    }
    // An operation that only the lower bound sampled is reported with a count of 0: it is known.
    if (root.sampler != SamplerKind::kLowerBound) ++count.sampled;
  }
}

ThroughputReport ThroughputCounter::Take(std::uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  ThroughputReport report;
  report.begin_ns = std::exchange(begin_ns_, now_ns);
  report.end_ns = now_ns;
  for (auto& [key, count] : std::exchange(counts_, {})) {
    Throughput& each = report.operations.emplace_back();
    each.service = key.first;
    each.operation = key.second;
    each.sampled = count.sampled;
    each.millionths.assign(count.millionths.begin(), count.millionths.end());
    each.silent = count.silent;
  }
  return report;
}

std::uint64_t ThroughputCounter::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

}  // namespace tracestore::sampling
