// AdaptiveSampler: tells clients probabilities by which each operation gives about the same number
// of traces a second, however often it is called.
#pragma once
#include <tracestore/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sampling/adaptive/adaptive_options.h"
#include "sampling/adaptive/probability_calculator.h"
#include "sampling/adaptive/root_spans.h"
#include "sampling/adaptive/sampling_store.h"
#include "sampling/adaptive/throughput_counter.h"
#include "sampling/strategy_provider.h"

namespace tracestore::sampling {

struct AdaptiveCounters {
  std::uint64_t calculations = 0;    // as the leader
  std::uint64_t store_errors = 0;    // the state couldn't be read or written; tried again
  std::uint64_t left_out_roots = 0;  // of operations beyond max_operations
  std::size_t operations = 0;        // with a probability of their own
  bool leader = false;
};

// Several collectors may share one store: each reports what it saw, the one that holds the lease
// works out the probabilities, all tell them.
class AdaptiveSampler final : public StrategyProvider {
 public:
  struct Options {
    AdaptiveOptions settings;
    std::string collector;  // unique among those that share the store: host name and process id
    std::function<void(std::string_view)> log;  // a sentence; any thread; may be unset
  };

  // `store` is borrowed and must outlive the sampler. Begins with the states that it holds.
  // `now_ns`: Unix nanoseconds. Errors: kInvalidArgument (settings); the store's.
  static Result<std::unique_ptr<AdaptiveSampler>> Open(Options options, SamplingStore& store,
                                                       std::uint64_t now_ns);
  ~AdaptiveSampler() override;
  AdaptiveSampler(const AdaptiveSampler&) = delete;
  AdaptiveSampler& operator=(const AdaptiveSampler&) = delete;

  // Root spans that were kept. Any thread, many at a time.
  void Record(const std::vector<RootSpan>& roots) { counter_.Record(roots); }

  Result<codec::SamplingStrategy> StrategyFor(std::string_view service) override;

  // Does what is due at `now_ns`: lease, report, calculation, reading what the leader told. One
  // thread at a time.
  void Tick(std::uint64_t now_ns);
  // Calls Tick once a second with the system's clock, in a thread ("adaptive"), until destruction.
  void Start();

  AdaptiveCounters counters() const;

  // What is told of a service that hasn't been seen.
  static codec::SamplingStrategy Default(const AdaptiveOptions& settings);

 private:
  using Strategies = std::map<std::string, codec::SamplingStrategy, std::less<>>;

  AdaptiveSampler(Options options, SamplingStore& store, std::uint64_t now_ns);
  Status LoadHistory();
  void FollowClock(std::uint64_t now_ns);
  void RefreshLease(std::uint64_t now_ns);
  Status RunInterval(std::uint64_t now_ns);
  Status Follow();
  void Publish(std::vector<OperationState> states);
  void Check(const Status& status);
  void Run(const std::stop_token& stop);

  const Options options_;
  SamplingStore& store_;
  ThroughputCounter counter_;
  // Only Tick's thread uses these.
  ProbabilityCalculator calculator_;
  std::vector<OperationState> states_;
  std::uint64_t judged_until_ns_;  // reports that ended until here are in buckets
  std::uint64_t next_interval_ns_;
  std::uint64_t next_lease_ns_;
  std::uint64_t next_follow_ns_;

  std::atomic<std::shared_ptr<const Strategies>> strategies_;  // never null
  std::atomic<std::uint64_t> calculations_{0};
  std::atomic<std::uint64_t> store_errors_{0};
  std::atomic<std::size_t> operations_{0};
  std::atomic<bool> leader_{false};
  std::mutex wake_mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace tracestore::sampling
