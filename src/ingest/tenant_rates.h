// TenantRates: how many spans a second each tenant may send.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace tracestore::ingest {

struct TenantRatesOptions {
  std::map<std::string, double, std::less<>> spans_a_second;  // by tenant; 0: any number
  double others = 0;                                          // of tenants that aren't named there
  // Tenants that are remembered; when there are more, those that have their whole share back go.
  std::size_t max_tenants = 10'000;
};

// A bucket a tenant, which holds what it may send in a second. A message may be longer than that:
// it is taken while the bucket has anything, and what it took too much is waited for. Threads: any.
class TenantRates {
 public:
  using Clock = std::chrono::steady_clock;

  explicit TenantRates(TenantRatesOptions options) : options_(std::move(options)) {}

  // Whether these spans may come now; takes them out of the tenant's bucket if so.
  bool Admit(std::string_view tenant, std::uint64_t spans, Clock::time_point now);

 private:
  struct Bucket {
    double left = 0;  // below 0: owed
    Clock::time_point at;
  };
  double RateOf(std::string_view tenant) const;
  void Forget(Clock::time_point now);

  const TenantRatesOptions options_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;  // guarded by mutex_
};

}  // namespace tracestore::ingest
