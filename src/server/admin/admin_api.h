// AdminApi: health, metrics and version, as on Jaeger's admin port.
#pragma once
#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "net/http.h"
#include "server/admin/metrics.h"

namespace tracestore::server {

// What the health check says. Threads: any.
class Health {
 public:
  enum class State : unsigned char { kStarting, kAvailable, kStopping };

  void Set(State state);
  // {"status":"Server available","upSince":…,"uptime":…} with 200, or with 503 "Server not
  // available".
  net::HttpResponse Answer() const;

 private:
  mutable std::mutex mutex_;
  State state_ = State::kStarting;                         // guarded by mutex_
  std::chrono::system_clock::time_point available_since_;  // guarded by mutex_
  std::chrono::steady_clock::time_point steady_since_;     // guarded by mutex_
};

struct AdminOptions {
  const Health* health = nullptr;     // borrowed, required
  MetricRegistry* metrics = nullptr;  // borrowed, required
  std::string metrics_route = "/metrics";
  // Called before each answer of it, to set the gauges that cost something. May be unset.
  std::function<void(MetricRegistry&)> collect = {};
};

// The handler of a whole server: the metrics' route, /version, and health at every other path, as
// Jaeger's.
net::HttpHandler MakeAdminHandler(AdminOptions options);

// "0.1.0".
const char* Version() noexcept;

// "2026-11-22T19:33:15.049418856Z"; without trailing zeros of the fraction.
std::string FormatRfc3339(std::chrono::system_clock::time_point time);

}  // namespace tracestore::server
