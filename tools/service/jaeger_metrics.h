// The metrics that Jaeger's v1 services have, under its names: dashboards and alerts made for it
// read on. docs/operations.md has what each means here.
#pragma once
#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ingest/intake.h"
#include "server/admin/metrics.h"

namespace tracestore::tools {

// What a collector counts of messages. Threads: any.
class JaegerCollectorMetrics {
 public:
  // `metrics` is borrowed. Every family stands there at once, with 0.
  explicit JaegerCollectorMetrics(server::MetricRegistry& metrics);

  void Count(const ingest::IntakeEvent& event);

 private:
  // Jaeger's bound: services beyond it are counted together, as "other-services".
  static constexpr std::size_t kMaxServices = 4'000;
  static constexpr std::string_view kOthers = "other-services";

  using Traces = std::array<server::MetricValue*, ingest::kSamplerTypes>;
  // Of one service over one transport and in one format; by the debug flag. Null: not counted yet.
  struct ByService {
    std::array<server::MetricValue*, 2> received{};
    std::array<Traces, 2> traces_received{};
    std::array<std::array<server::MetricValue*, 2>, 2> saved{};  // by result, then debug
    std::array<std::array<Traces, 2>, 2> traces_saved{};
  };

  struct Found {
    ByService& counts;
    std::string_view service;  // as it is shown
  };
  void StandAtOnce();
  std::optional<Found> Find(std::string_view service, const ingest::IntakeSource& source);
  Found Of(std::string_view service, const ingest::IntakeSource& source);
  void CountService(const ingest::ServiceCount& count, const ingest::IntakeSource& source,
                    bool kept);

  server::MetricRegistry& metrics_;
  server::MetricValue& dropped_;
  server::MetricValue& batch_size_;
  server::MetricValue& bytes_;
  server::MetricValue& service_names_;
  server::MetricHistogram& in_queue_latency_;
  server::MetricHistogram& save_latency_;
  std::mutex mutex_;
  std::unordered_map<std::string, ByService> services_;  // guarded by mutex_
  std::string key_;                                      // guarded by mutex_; of the last Find()
};

// The values that one process has: jaeger_build_info.
void SetJaegerBuildInfo(server::MetricRegistry& metrics);

// A request to the query API, by its route (a pattern of a path, or a gRPC method): jaeger_query_…
// and jaeger_storage_….
void CountJaegerQuery(server::MetricRegistry& metrics, std::string_view route, bool ok,
                      std::chrono::nanoseconds took);

// What a read of the store found, as jaeger_storage_responses.
void CountJaegerResults(server::MetricRegistry& metrics, std::string_view operation,
                        std::uint64_t results);

// Those two of a service that answers queries, at once with 0; once, at start.
void PrepareJaegerQueryMetrics(server::MetricRegistry& metrics);

// Help of all of them; once, at start.
void DescribeJaegerMetrics(server::MetricRegistry& metrics);

}  // namespace tracestore::tools
