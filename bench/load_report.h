// What a collector under load did, and what is said of it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "load_messages.h"
#include "load_stages.h"

namespace tracestore::bench {

// One collector's life under load.
struct LoadRun {
  std::uint64_t sent = 0;   // spans
  double wall_seconds = 0;  // of sending
  double cpu_seconds = 0;   // of the collector, start and end included, less an idle one's
  std::uint64_t acknowledged = 0;
  double received = 0;
  double accepted = 0;
  double rejected = 0;
  double stored = 0;
  double dropped = 0;                 // by a rule or a sampler
  double waiting = 0;                 // for a decision
  std::uint64_t kernel_drops = 0;     // packets
  double receiver_drops = 0;          // packets, by the receiver
  std::vector<std::uint64_t> memory;  // samples, bytes
};

// Prints one protocol's lines: of several runs and their stages, one of each a run, the median and
// the least of each figure. False where a span of any run isn't accounted for. Neither list is
// empty.
bool ReportLoad(LoadProtocol protocol, const LoadMessages& load, std::span<const LoadRun> runs,
                std::span<const StageSeconds> stages);

}  // namespace tracestore::bench
