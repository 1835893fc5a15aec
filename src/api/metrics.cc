#include <tracestore/store.h>

#include "base/try.h"
#include "query/span_metrics.h"

namespace tracestore {
namespace {

constexpr std::size_t kMostQuantiles = 64;

Status CheckQuantiles(const std::vector<double>& quantiles) {
  if (quantiles.size() > kMostQuantiles) {
    return Error(ErrorCode::kInvalidArgument,
                 "at most " + std::to_string(kMostQuantiles) + " quantiles can be asked for");
  }
  for (const double q : quantiles) {
    if (!(q >= 0 && q <= 1))
      return Error(ErrorCode::kInvalidArgument, "a quantile must be from 0 to 1");
  }
  return {};
}

}  // namespace

Result<std::vector<OperationMetrics>> Snapshot::Metrics(const MetricsQuery& query) const {
  TS_TRY(CheckQuantiles(query.quantiles));
  query::SpanMetricsQuery counted;
  counted.range = query.range;
  counted.step_ns = query.step_ns;
  counted.services = query.services;
  TS_TRY_ASSIGN(auto metrics, query::SpanMetrics(*data_, counted));
  std::vector<OperationMetrics> out;
  out.reserve(metrics.size());
  for (query::SpanMetric& metric : metrics) {
    OperationMetrics& one = out.emplace_back();
    one.service = std::move(metric.service);
    one.operation = std::move(metric.operation);
    one.kind = metric.kind;
    one.step_begin_ns = metric.step_begin_ns;
    one.calls = metric.calls;
    one.errors = metric.errors;
    one.timed = metric.latency.count();
    for (const double q : query.quantiles) {
      if (const auto latency = metric.latency.Quantile(q)) one.latency_ns.push_back(*latency);
    }
  }
  return out;
}

Result<std::vector<OperationMetrics>> Store::Metrics(const MetricsQuery& query) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  return snapshot.Metrics(query);
}

}  // namespace tracestore
