// CollectorStrategies: sampling strategies as a collector tells them: what an agent answers its
// clients with.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/forward/forward_target.h"
#include "sampling/strategy_provider.h"

namespace tracestore::ingest {

// Asks one collector, for a tenant's client ("": nobody's). May block for its time-out. Errors: as
// they come.
using AskCollector = std::function<Result<codec::SamplingStrategy>(std::string_view tenant,
                                                                   std::string_view service)>;

// By gRPC, SamplingManager/GetSamplingStrategy, at "host:port". Errors: kInvalidArgument.
Result<AskCollector> AskByGrpc(const std::string& address, std::chrono::milliseconds timeout,
                               const CollectorAccess& access = {});
// By HTTP, GET /api/sampling?service=, at "host:port", or at a URL (without a path /api/sampling).
// Errors: kInvalidArgument.
Result<AskCollector> AskByHttp(const std::string& address, std::chrono::milliseconds timeout,
                               const CollectorAccess& access = {});

struct CollectorStrategiesOptions {
  // For so long an answer isn't asked for again: a thousand clients that poll cost one question.
  std::chrono::milliseconds fresh{10'000};
  // For so long an old answer is told while no collector answers.
  std::chrono::milliseconds stale{3'600'000};
  std::size_t max_services = 10'000;  // kept; the one asked for longest ago goes first
  std::size_t max_service_bytes = 1'024;  // of a name that is kept; collectors are asked each time
};

// Collectors are asked in turn until one answers. Threads: any; of one tenant's service one asks
// and the others wait for its answer.
class CollectorStrategies final : public sampling::StrategyProvider {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // `collectors` isn't empty. `clock`: the system's steady one where it is unset.
  CollectorStrategies(std::vector<AskCollector> collectors, CollectorStrategiesOptions options,
                      Clock clock = {});
  ~CollectorStrategies() override;

  // Errors: that of the last collector asked.
  Result<codec::SamplingStrategy> StrategyFor(std::string_view service) override {
    return StrategyOf("", service);
  }
  Result<codec::SamplingStrategy> StrategyOf(std::string_view tenant,
                                             std::string_view service) override;

  struct Counters {
    std::uint64_t asked = 0;     // questions to collectors
    std::uint64_t failures = 0;  // of them without an answer
    std::uint64_t cached = 0;    // answers without a question
    std::uint64_t stale = 0;     // old answers, for want of a new one
  };
  Counters counters() const;

 private:
  struct Entry;
  using Key = std::pair<std::string, std::string>;  // tenant, service
  Result<codec::SamplingStrategy> Ask(std::string_view tenant, std::string_view service);
  std::shared_ptr<Entry> EntryOf(std::string_view tenant, std::string_view service);

  const std::vector<AskCollector> collectors_;
  const CollectorStrategiesOptions options_;
  const Clock clock_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<Entry>> entries_;  // guarded by mutex_
  std::size_t next_ = 0;                           // guarded by mutex_
  Counters counters_;                              // guarded by mutex_
};

}  // namespace tracestore::ingest
