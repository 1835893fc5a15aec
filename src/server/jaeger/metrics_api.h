// Jaeger's service performance metrics (/api/metrics/…), counted from the spans in the store.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/store.h>

#include "net/http.h"

namespace tracestore::server {

enum class JaegerMetric : std::uint8_t { kLatencies, kCalls, kErrors };

// The finest step of the answers' points, and the grid that windows lie on: that of the segments'
// summaries.
inline constexpr std::uint64_t kMetricStepMs = 10'000;

// Times are Unix milliseconds, multiples of kMetricStepMs but for the points' own.
struct JaegerMetricsQuery {
  JaegerMetric metric = JaegerMetric::kCalls;
  std::vector<std::string> services;  // at least one
  std::vector<SpanKind> kinds;        // at least one
  double quantile = 0;                // of latencies: 0 to 1
  bool by_operation = false;
  std::uint64_t end_ms = 0;           // the last point
  std::uint64_t step_ms = 0;          // from point to point, at least 1
  std::uint64_t points = 0;           // at most kMostPoints
  std::uint64_t rate_ms = 0;          // how far back of a point spans count, at least kMetricStepMs
};

// As Prometheus bounds its own answers, which Jaeger passes on.
inline constexpr std::uint64_t kMostPoints = 11'000;

// Errors: kInvalidArgument with v1.76's sentence. Defaults: the last hour in steps of 5 s, rates
// over 10 minutes, server spans.
Result<JaegerMetricsQuery> ParseJaegerMetrics(const net::QueryParams& params, JaegerMetric metric,
                                              std::chrono::nanoseconds now);

// A MetricFamily as JSON: a series for each service (or operation) with spans of these kinds, a
// point for each step of which there is a value. Latencies in milliseconds, calls a second, errors
// as a share of calls. Spans count by their start. Errors: as Snapshot::Metrics.
Result<std::string> JaegerMetricFamily(const Snapshot& snapshot, const JaegerMetricsQuery& query);

}  // namespace tracestore::server
