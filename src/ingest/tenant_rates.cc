#include "ingest/tenant_rates.h"

#include <algorithm>

namespace tracestore::ingest {

double TenantRates::RateOf(std::string_view tenant) const {
  const auto own = options_.spans_a_second.find(tenant);
  return own == options_.spans_a_second.end() ? options_.others : own->second;
}

void TenantRates::Forget(Clock::time_point now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    const double rate = RateOf(entry.first);
    const std::chrono::duration<double> passed = now - entry.second.at;
    return entry.second.left + rate * passed.count() >= rate;
  });
}

bool TenantRates::Admit(std::string_view tenant, std::uint64_t spans, Clock::time_point now) {
  const double rate = RateOf(tenant);
  if (rate <= 0 || spans == 0) return true;
  const std::lock_guard lock(mutex_);
  auto at = buckets_.find(tenant);
  if (at == buckets_.end()) {
    if (buckets_.size() >= options_.max_tenants) Forget(now);
    if (buckets_.size() >= options_.max_tenants) return false;
    at = buckets_.emplace(tenant, Bucket{rate, now}).first;
  }
  Bucket& bucket = at->second;
  const std::chrono::duration<double> passed = now - bucket.at;
  bucket.left = std::min(rate, bucket.left + rate * std::max(0.0, passed.count()));
  bucket.at = now;
  if (bucket.left <= 0) return false;
  bucket.left -= static_cast<double>(spans);
  return true;
}

}  // namespace tracestore::ingest
