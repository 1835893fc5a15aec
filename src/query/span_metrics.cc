#include "query/span_metrics.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/try.h"

namespace tracestore::query {
namespace {

struct Sum {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  LatencyHistogram latency;
};

// Durations are modulo 2^64: an end before its start wraps round.
constexpr std::uint64_t LatencyOf(const SpanFact& fact) noexcept {
  return fact.start_ns + fact.duration_ns < fact.start_ns ? 0 : fact.duration_ns;
}

using Key = std::tuple<std::string, std::string, SpanKind, std::uint64_t>;

class MetricsBuilder {
 public:
  explicit MetricsBuilder(const SpanMetricsQuery& query) : query_(query) {}

  template <typename CountsPart>
  void Add(const TraceFacts& facts, const CountsPart& counts) {
    const std::vector<bool> wanted = Wanted(facts);
    std::map<std::pair<std::uint32_t, std::uint64_t>, Sum> sums;  // by series, step
    const auto [first, last] = InRange(facts.spans, query_.range);
    for (const SpanFact* span = first; span != last; ++span) {
      if (!Counts(*span, query_.range) || !wanted[span->series] || !counts(span->part)) continue;
      const std::uint64_t step =
          query_.step_ns == 0 ? 0 : span->start_ns - span->start_ns % query_.step_ns;
      Sum& sum = sums[{span->series, step}];
      ++sum.calls;
      sum.errors += span->error ? 1 : 0;
      if (span->has_duration) sum.latency.Add(LatencyOf(*span));
    }
    for (const auto& [place, sum] : sums) {
      const Series& series = facts.series[place.first];
      Sum& total = totals_[{std::string(facts.strings.Get(series.service)),
                            std::string(facts.strings.Get(series.operation)), series.kind,
                            place.second}];
      total.calls += sum.calls;
      total.errors += sum.errors;
      total.latency.Merge(sum.latency);
    }
  }

  std::vector<SpanMetric> List() {
    std::vector<SpanMetric> list;
    list.reserve(totals_.size());
    for (auto& [key, sum] : totals_) {
      const auto& [service, operation, kind, step] = key;
      list.push_back({service, operation, kind, step, sum.calls, sum.errors,
                      std::move(sum.latency)});
    }
    return list;
  }

 private:
  // By series of these facts.
  std::vector<bool> Wanted(const TraceFacts& facts) const {
    std::vector<bool> wanted(facts.series.size(), query_.services.empty());
    for (std::size_t i = 0; i < wanted.size() && !query_.services.empty(); ++i) {
      const auto service = facts.strings.Get(facts.series[i].service);
      wanted[i] = std::find(query_.services.begin(), query_.services.end(), service) !=
                  query_.services.end();
    }
    return wanted;
  }

  const SpanMetricsQuery& query_;
  std::map<Key, Sum> totals_;
};

}  // namespace

Result<std::vector<SpanMetric>> SpanMetrics(const store::SnapshotData& data,
                                            const SpanMetricsQuery& query, FactsCache& cache) {
  MetricsBuilder builder(query);
  TS_TRY(ForEachFacts(data, FactKind::kSpans, query.range, cache,
                      [&](const TraceFacts& facts, const auto& counts) {
                        builder.Add(facts, counts);
                      }));
  return builder.List();
}

}  // namespace tracestore::query
