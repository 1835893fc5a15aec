// TenantSamplers: adaptive sampling for each tenant, learnt from their spans alone, its state in
// their store.
#pragma once
#include <tracestore/status.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/adaptive/adaptive_sampler.h"
#include "sampling/adaptive/sampling_store.h"
#include "sampling/strategy_provider.h"
#include "server/tenants/tenant_stores.h"

namespace tracestore::tools {

// A sampler and where its state is.
struct Adaptive {
  std::unique_ptr<sampling::SamplingStore> store;
  std::unique_ptr<sampling::AdaptiveSampler> sampler;  // goes first
};

// Threads: any. Each sampler has its own bounds and thread.
class TenantSamplers final : public sampling::StrategyProvider {
 public:
  // Called once a tenant, from any thread; again after an error.
  using OpenSampler = std::function<Result<Adaptive>(const std::string& directory)>;

  // `stores` is borrowed. `unseen` is told for services of tenants of whom nothing is stored.
  TenantSamplers(server::TenantStores& stores, OpenSampler open, codec::SamplingStrategy unseen)
      : stores_(stores), open_(std::move(open)), unseen_(std::move(unseen)) {}

  // The sampler that learns from the tenant's spans; null, and counted as an error of its store,
  // where it can't be opened.
  sampling::AdaptiveSampler* ToRecord(std::string_view tenant);

  // Of the default tenant.
  Result<codec::SamplingStrategy> StrategyFor(std::string_view service) override {
    return StrategyOf("", service);
  }
  Result<codec::SamplingStrategy> StrategyOf(std::string_view tenant,
                                             std::string_view service) override;

  // Of all samplers together.
  sampling::AdaptiveCounters counters() const;

 private:
  // Its mutex is held while the sampler opens, so that other tenants are not kept waiting.
  struct Entry {
    std::mutex mutex;
    Adaptive adaptive;  // guarded by mutex
  };
  Result<sampling::AdaptiveSampler*> In(const std::string& directory);

  server::TenantStores& stores_;
  const OpenSampler open_;
  const codec::SamplingStrategy unseen_;
  std::atomic<std::uint64_t> failures_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // by directory; guarded by mutex_
};

}  // namespace tracestore::tools
