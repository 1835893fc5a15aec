#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "sampling/adaptive/sampling_store.h"

namespace tracestore::sampling {
namespace {

class MemorySamplingStore final : public SamplingStore {
 public:
  Status AddThroughput(std::string_view /*collector*/, const ThroughputReport& report,
                       std::uint64_t forget_before_ns) override {
    const std::lock_guard lock(mutex_);
    reports_.erase(reports_.begin(), reports_.lower_bound(forget_before_ns));
    reports_.emplace(report.end_ns, report);
    return {};
  }
  Result<std::vector<ThroughputReport>> ThroughputBetween(std::uint64_t after_ns,
                                                          std::uint64_t until_ns) override {
    const std::lock_guard lock(mutex_);
    std::vector<ThroughputReport> out;
    const auto end = reports_.upper_bound(until_ns);
    for (auto it = reports_.upper_bound(after_ns); it != end && it != reports_.end(); ++it)
      out.push_back(it->second);
    return out;
  }
  Status PutStates(const std::vector<OperationState>& states) override {
    const std::lock_guard lock(mutex_);
    states_ = states;
    return {};
  }
  Result<std::vector<OperationState>> States() override {
    const std::lock_guard lock(mutex_);
    return states_;
  }
  Result<bool> TryLease(std::string_view owner, std::uint64_t now_ns,
                        std::chrono::nanoseconds duration) override {
    const std::lock_guard lock(mutex_);
    if (lease_.owner != owner && lease_.expires_ns > now_ns) return false;
    lease_ = {std::string(owner), now_ns + static_cast<std::uint64_t>(duration.count())};
    return true;
  }

 private:
  std::mutex mutex_;
  std::multimap<std::uint64_t, ThroughputReport> reports_;  // by end; guarded by mutex_
  std::vector<OperationState> states_;                      // guarded by mutex_
  Lease lease_;                                             // guarded by mutex_
};

}  // namespace

std::unique_ptr<SamplingStore> MakeMemorySamplingStore() {
  return std::make_unique<MemorySamplingStore>();
}

}  // namespace tracestore::sampling
