// SamplingStore: where collectors that share adaptive sampling keep its state. Narrow, so that a
// store's catalog, a back end or memory can stand behind it.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/adaptive/sampling_state.h"

namespace tracestore::sampling {

struct Lease {
  std::string owner;
  std::uint64_t expires_ns = 0;  // Unix nanoseconds
};

// Threads: every method from any; processes too, where the store is shared. Times are Unix
// nanoseconds and the caller's: a simulated clock will do.
class SamplingStore {
 public:
  virtual ~SamplingStore() = default;

  // Adds a report of `collector`; reports that ended before `forget_before_ns` go.
  virtual Status AddThroughput(std::string_view collector, const ThroughputReport& report,
                               std::uint64_t forget_before_ns) = 0;
  // All collectors' reports that ended after `after_ns`, up to `until_ns`; by end.
  virtual Result<std::vector<ThroughputReport>> ThroughputBetween(std::uint64_t after_ns,
                                                                  std::uint64_t until_ns) = 0;

  virtual Status PutStates(const std::vector<OperationState>& states) = 0;
  virtual Result<std::vector<OperationState>> States() = 0;  // as last put; empty at first

  // Takes or renews the lease for `owner` until now + duration, unless another's still runs. True:
  // `owner` has it now. A lease of one's own that has more than half of `duration` left is not
  // written again.
  virtual Result<bool> TryLease(std::string_view owner, std::uint64_t now_ns,
                                std::chrono::nanoseconds duration) = 0;
};

// In this process's memory: nothing outlives it.
std::unique_ptr<SamplingStore> MakeMemorySamplingStore();

// In the catalog of the store in `directory` (its `sampling` database), which must exist; shared
// with every process that has the store open. Errors: as the catalog's.
Result<std::unique_ptr<SamplingStore>> OpenCatalogSamplingStore(const std::string& directory);

}  // namespace tracestore::sampling
