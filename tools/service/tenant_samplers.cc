#include "service/tenant_samplers.h"

#include <utility>

#include "base/try.h"

namespace tracestore::tools {

Result<sampling::AdaptiveSampler*> TenantSamplers::In(const std::string& directory) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    auto& found = entries_[directory];
    if (found == nullptr) found = std::make_shared<Entry>();
    entry = found;
  }
  const std::lock_guard lock(entry->mutex);
  if (entry->adaptive.sampler == nullptr) {
    TS_TRY_ASSIGN(entry->adaptive, open_(directory));
  }
  return entry->adaptive.sampler.get();
}

sampling::AdaptiveSampler* TenantSamplers::ToRecord(std::string_view tenant) {
  const auto found = stores_.ToWrite(tenant);
  if (found.has_value()) {
    if (const auto sampler = In(found->directory); sampler.has_value()) return *sampler;
  }
  ++failures_;
  return nullptr;
}

Result<codec::SamplingStrategy> TenantSamplers::StrategyOf(std::string_view tenant,
                                                           std::string_view service) {
  const auto found = stores_.ToRead(tenant);
  if (!found.has_value()) {
    if (found.error().code() == ErrorCode::kNotFound) return unseen_;
    return found.error();
  }
  TS_TRY_ASSIGN(sampling::AdaptiveSampler* const sampler, In(found->directory));
  return sampler->StrategyFor(service);
}

sampling::AdaptiveCounters TenantSamplers::counters() const {
  std::vector<std::shared_ptr<Entry>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [directory, entry] : entries_) all.push_back(entry);
  }
  sampling::AdaptiveCounters sum;
  sum.store_errors = failures_.load();
  for (const auto& entry : all) {
    const std::unique_lock lock(entry->mutex, std::try_to_lock);  // one that opens now is left out
    if (!lock.owns_lock() || entry->adaptive.sampler == nullptr) continue;
    const sampling::AdaptiveCounters counters = entry->adaptive.sampler->counters();
    sum.calculations += counters.calculations;
    sum.store_errors += counters.store_errors;
    sum.left_out_roots += counters.left_out_roots;
    sum.operations += counters.operations;
    sum.leader = sum.leader || counters.leader;
  }
  return sum;
}

}  // namespace tracestore::tools
