#include "server/jaeger/metrics_api.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "model/latency_histogram.h"
#include "query/span_metrics.h"
#include "server/jaeger/go_values.h"

namespace tracestore::server {
namespace {

using net::QueryParams;

constexpr std::uint64_t kNsEachMs = 1'000'000;
constexpr std::uint64_t kLastMs = std::numeric_limits<std::uint64_t>::max() / kNsEachMs;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error Unable(const char* name, const std::string& why) {
  return Invalid(std::string("unable to parse param '") + name + "': " + why);
}

// Milliseconds, at least `least`; `fallback` where the parameter is absent.
Result<std::uint64_t> MillisecondsOf(const QueryParams& params, const char* name,
                                     std::uint64_t fallback, std::int64_t least) {
  const std::string_view text = params.first(name).value_or("");
  if (text.empty()) return fallback;
  const auto value = ParseGoInt(text, 64);
  if (!value.has_value()) return Unable(name, value.error().message());
  if (*value < least) return Unable(name, "it must be at least " + std::to_string(least));
  return static_cast<std::uint64_t>(*value);
}

// strconv.ParseFloat.
Result<double> FloatOf(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return Invalid("strconv.ParseFloat: parsing " + GoQuote(text) + ": invalid syntax");
  return value;
}

Result<std::vector<SpanKind>> KindsOf(const QueryParams& params) {
  std::vector<SpanKind> kinds;
  for (const std::string_view name : params.all("spanKind")) {
    const auto same = [name](SpanKind kind) { return SpanKindName(kind) == name; };
    constexpr SpanKind kAll[] = {SpanKind::kUnspecified, SpanKind::kInternal, SpanKind::kServer,
                                 SpanKind::kClient, SpanKind::kProducer, SpanKind::kConsumer};
    const auto* const found = std::find_if(std::begin(kAll), std::end(kAll), same);
    if (found == std::end(kAll))
      return Unable("spanKind", "unsupported span kind: '" + std::string(name) + "'");
    kinds.push_back(*found);
  }
  if (kinds.empty()) kinds.push_back(SpanKind::kServer);
  return kinds;
}

// The greatest grid that steps and windows lie on, a multiple of the summaries'.
std::uint64_t GridOf(const JaegerMetricsQuery& query) {
  const std::uint64_t grid = std::gcd(query.step_ms, query.rate_ms);
  return std::max(grid - grid % kMetricStepMs, kMetricStepMs);
}

struct Sum {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  model::LatencyHistogram latency;

  void Add(const Sum& other) {
    calls += other.calls;
    errors += other.errors;
    latency.Merge(other.latency);
  }
  void Subtract(const Sum& other) {
    calls -= other.calls;
    errors -= other.errors;
    latency.Subtract(other.latency);
  }
};

struct Series {
  std::map<std::uint64_t, Sum> cells;  // by begin, Unix milliseconds on the grid
};
using AllSeries = std::map<std::pair<std::string, std::string>, Series>;  // service, operation

Result<AllSeries> Collect(const Snapshot& snapshot, const JaegerMetricsQuery& query,
                          std::uint64_t grid) {
  const std::uint64_t first = query.end_ms - std::min((query.points - 1) * query.step_ms,
                                                      query.end_ms);
  const std::uint64_t begin = first - std::min(query.rate_ms + grid, first);
  query::SpanMetricsQuery counted;
  counted.range = {begin / grid * grid * kNsEachMs, query.end_ms * kNsEachMs};
  counted.step_ns = grid * kNsEachMs;
  counted.services = query.services;
  TS_TRY_ASSIGN(const auto metrics, query::SpanMetrics(*snapshot.data(), counted));
  AllSeries series;
  for (const query::SpanMetric& metric : metrics) {
    if (std::find(query.kinds.begin(), query.kinds.end(), metric.kind) == query.kinds.end())
      continue;
    Series& one = series[{metric.service, query.by_operation ? metric.operation : ""}];
    one.cells[metric.step_begin_ns / kNsEachMs].Add({metric.calls, metric.errors, metric.latency});
  }
  return series;
}

std::optional<double> ValueOf(const Sum& sum, const JaegerMetricsQuery& query) {
  switch (query.metric) {
    case JaegerMetric::kCalls:
      return static_cast<double>(sum.calls) / (static_cast<double>(query.rate_ms) / 1000.0);
    case JaegerMetric::kErrors:
      if (sum.calls == 0) return std::nullopt;
      return static_cast<double>(sum.errors) / static_cast<double>(sum.calls);
    case JaegerMetric::kLatencies: {
      const auto latency = sum.latency.Quantile(query.quantile);
      if (!latency) return std::nullopt;
      return static_cast<double>(*latency) / static_cast<double>(kNsEachMs);
    }
  }
  return std::nullopt;
}

// RFC 3339 in UTC, with milliseconds where there are any.
std::string TimeText(std::uint64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(text, size);
  if (const auto rest = ms % 1000; rest != 0) {
    char fraction[8];
    (void)std::snprintf(fraction, sizeof fraction, ".%03u", static_cast<unsigned>(rest));
    out += fraction;
  }
  return out + 'Z';
}

// A window slides over the cells: what comes in is added, what falls out is taken off.
void WritePoints(const Series& series, const JaegerMetricsQuery& query, std::uint64_t grid,
                 codec::JsonWriter& json) {
  const std::uint64_t first = query.end_ms - std::min((query.points - 1) * query.step_ms,
                                                      query.end_ms);
  auto in = series.cells.begin();
  auto out = series.cells.begin();
  Sum window;
  json.BeginArray();
  for (std::uint64_t at = first; at <= query.end_ms; at += query.step_ms) {
    const std::uint64_t end = at / grid * grid;
    const std::uint64_t begin = end - std::min(query.rate_ms, end);
    for (; in != series.cells.end() && in->first < end; ++in) window.Add(in->second);
    for (; out != in && out->first < begin; ++out) window.Subtract(out->second);
    const auto value = ValueOf(window, query);
    if (!value) continue;
    json.BeginObject();
    json.Key("gaugeValue");
    json.BeginObject();
    json.Key("doubleValue");
    json.Double(*value);
    json.EndObject();
    json.Key("timestamp");
    json.String(TimeText(at));
    json.EndObject();
  }
  json.EndArray();
}

void WriteLabel(std::string_view name, std::string_view value, codec::JsonWriter& json) {
  json.BeginObject();
  json.Key("name");
  json.String(name);
  json.Key("value");
  json.String(value);
  json.EndObject();
}

std::string NameOf(const JaegerMetricsQuery& query) {
  const std::string of = query.by_operation ? "service_operation_" : "service_";
  switch (query.metric) {
    case JaegerMetric::kLatencies: return of + "latencies";
    case JaegerMetric::kCalls: return of + "call_rate";
    case JaegerMetric::kErrors: return of + "error_rate";
  }
  return of;
}

std::string HelpOf(const JaegerMetricsQuery& query) {
  const std::string grouped =
      query.by_operation ? ", grouped by service & operation" : ", grouped by service";
  switch (query.metric) {
    case JaegerMetric::kLatencies: {
      char text[64];
      (void)std::snprintf(text, sizeof text, "%.2fth quantile latency", query.quantile);
      return text + grouped;
    }
    case JaegerMetric::kCalls: return "calls/sec" + grouped;
    case JaegerMetric::kErrors:
      return "error rate, computed as a fraction of errors/sec over calls/sec" + grouped;
  }
  return grouped;
}

Status TakeTimes(const QueryParams& params, std::uint64_t now_ms, JaegerMetricsQuery& out) {
  constexpr std::uint64_t kHour = 3'600'000;
  TS_TRY_ASSIGN(out.end_ms, MillisecondsOf(params, "endTs", now_ms, 0));
  TS_TRY_ASSIGN(const std::uint64_t lookback, MillisecondsOf(params, "lookback", kHour, 0));
  TS_TRY_ASSIGN(out.step_ms, MillisecondsOf(params, "step", 5'000, 1));
  TS_TRY_ASSIGN(const std::uint64_t rate, MillisecondsOf(params, "ratePer", 600'000, 1));
  if (out.end_ms > kLastMs) return Unable("endTs", "it is no time in milliseconds");
  if (lookback / out.step_ms >= kMostPoints) {
    return Invalid("the range has more than " + std::to_string(kMostPoints) +
                   " points: take a greater step or a shorter lookback");
  }
  out.points = lookback / out.step_ms + 1;
  constexpr std::uint64_t kMostRate = 366ULL * 24 * kHour;
  const std::uint64_t bounded = std::min(rate, kMostRate);
  out.rate_ms = (bounded + kMetricStepMs - 1) / kMetricStepMs * kMetricStepMs;
  return {};
}

}  // namespace

Result<JaegerMetricsQuery> ParseJaegerMetrics(const QueryParams& params, JaegerMetric metric,
                                              std::chrono::nanoseconds now) {
  JaegerMetricsQuery out;
  out.metric = metric;
  for (const std::string_view service : params.all("service")) out.services.emplace_back(service);
  if (out.services.empty()) return Unable("service", "please provide at least one service name");
  const std::string_view grouped = params.first("groupByOperation").value_or("");
  if (!grouped.empty()) {
    const auto by_operation = ParseGoBool(grouped);
    if (!by_operation.has_value())
      return Unable("groupByOperation", by_operation.error().message());
    out.by_operation = *by_operation;
  }
  TS_TRY_ASSIGN(out.kinds, KindsOf(params));
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  TS_TRY(TakeTimes(params, static_cast<std::uint64_t>(ms), out));
  if (metric == JaegerMetric::kLatencies) {
    const auto quantile = FloatOf(params.first("quantile").value_or(""));
    if (!quantile.has_value()) return Unable("quantile", quantile.error().message());
    if (!(*quantile >= 0 && *quantile <= 1)) return Unable("quantile", "it is not from 0 to 1");
    out.quantile = *quantile;
  }
  return out;
}

Result<std::string> JaegerMetricFamily(const Snapshot& snapshot, const JaegerMetricsQuery& query) {
  const std::uint64_t grid = GridOf(query);
  TS_TRY_ASSIGN(const AllSeries all, Collect(snapshot, query, grid));
  std::string out;
  codec::JsonWriter json(out);
  json.BeginObject();
  json.Key("name");
  json.String(NameOf(query));
  json.Key("type");
  json.String("GAUGE");
  json.Key("help");
  json.String(HelpOf(query));
  json.Key("metrics");
  json.BeginArray();
  for (const auto& [key, series] : all) {
    json.BeginObject();
    json.Key("labels");
    json.BeginArray();
    if (query.by_operation) WriteLabel("operation", key.second, json);
    WriteLabel("service_name", key.first, json);
    json.EndArray();
    json.Key("metricPoints");
    WritePoints(series, query, grid, json);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return out;
}

}  // namespace tracestore::server
