// ThroughputCounter: counts root spans by operation until the next report is taken.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sampling/adaptive/root_spans.h"
#include "sampling/adaptive/sampling_state.h"

namespace tracestore::sampling {

// Threads: every method from any. Memory: bounded by the number of operations and their names.
class ThroughputCounter {
 public:
  // Of a service and an operation together; those with longer names are left out.
  static constexpr std::size_t kMostNameBytes = 1'024;

  ThroughputCounter(std::size_t max_operations, std::uint64_t now_ns)
      : max_operations_(max_operations), begin_ns_(now_ns) {}

  void Record(const std::vector<RootSpan>& roots);
  // Everything since the last report; begins anew.
  ThroughputReport Take(std::uint64_t now_ns);
  // Root spans of operations beyond the bounds, so far.
  std::uint64_t left_out() const;

 private:
  struct Count {
    std::uint64_t sampled = 0;
    std::set<std::uint32_t> millionths;
    bool silent = false;
  };

  const std::size_t max_operations_;
  mutable std::mutex mutex_;
  std::uint64_t begin_ns_;                                       // guarded by mutex_
  std::map<std::pair<std::string, std::string>, Count> counts_;  // by service, operation; guarded
  std::uint64_t left_out_ = 0;                                   // guarded by mutex_
};

}  // namespace tracestore::sampling
