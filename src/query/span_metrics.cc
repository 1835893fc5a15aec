#include "query/span_metrics.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/try.h"
#include "query/fact_tally.h"

namespace tracestore::query {
namespace {

using store::MetricSummary;
using store::SegmentReader;

struct Sum {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  model::LatencyHistogram latency;
};

class MetricTally final : public FactTally {
 public:
  explicit MetricTally(SpanMetricsQuery query) : query_(std::move(query)) {}

  FactKind kind() const override { return FactKind::kSpans; }

  // A step of the query must hold steps of the summary whole.
  Result<const store::SummarySteps*> StepsOf(const SegmentReader& segment) const override {
    TS_TRY_ASSIGN(const MetricSummary* const metrics, segment.metrics());
    const bool fits = metrics != nullptr && (query_.step_ns == 0 ||
                                             query_.step_ns % metrics->steps.step_ns == 0);
    return fits ? &metrics->steps : nullptr;
  }

  Status AddSummary(const SegmentReader& segment, const Steps& steps) override {
    TS_TRY_ASSIGN(const MetricSummary* const summary, segment.metrics());
    TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
    const auto& cells = summary->cells;
    Sum* total = nullptr;
    std::size_t total_of = cells.size();  // the cell that `total` was looked up for
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const MetricSummary::Cell& cell = cells[i];
      if (!steps.Has(cell.step, summary->steps.startless())) continue;
      const auto service = strings->At(cell.service);
      if (!Wanted(service)) continue;
      const auto step_of = [&](const MetricSummary::Cell& c) {
        return c.step == summary->steps.startless() ? 0 : StepOf(summary->steps.begins_ns[c.step]);
      };
      if (total_of == cells.size() || !SameSeries(cells[total_of], cell) ||
          step_of(cells[total_of]) != step_of(cell)) {
        total = &totals_[{std::string(service), std::string(strings->At(cell.operation)),
                          cell.kind, step_of(cell)}];
        total_of = i;
      }
      total->calls += cell.calls;
      total->errors += cell.errors;
      for (std::uint32_t b = cell.first_bucket; b < summary->EndOfBuckets(i); ++b)
        total->latency.AddToBucket(summary->buckets[b].number, summary->buckets[b].count);
    }
    return {};
  }

  void Add(const TraceFacts& facts, TimeRange window, const PartFilter& counts,
           Sign sign) override {
    std::vector<bool> wanted(facts.series.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      wanted[i] = Wanted(facts.strings.Get(facts.series[i].service));
    std::map<std::pair<std::uint32_t, std::uint64_t>, Sum> sums;  // by series, step
    const auto [first, last] = InRange(facts.spans, window);
    for (const SpanFact* span = first; span != last; ++span) {
      if (!Counts(*span, window) || !wanted[span->series] || !counts(span->part)) continue;
      Sum& sum = sums[{span->series, StepOf(span->start_ns)}];
      ++sum.calls;
      sum.errors += span->error ? 1 : 0;
      if (span->has_duration)
        sum.latency.Add(model::LatencyOf(span->start_ns, span->duration_ns));
    }
    for (const auto& [place, sum] : sums) {
      const Series& series = facts.series[place.first];
      Sum& total = totals_[{std::string(facts.strings.Get(series.service)),
                            std::string(facts.strings.Get(series.operation)), series.kind,
                            place.second}];
      if (sign == Sign::kAdd) {
        total.calls += sum.calls;
        total.errors += sum.errors;
        total.latency.Merge(sum.latency);
      } else {
        total.calls -= sum.calls;
        total.errors -= sum.errors;
        total.latency.Subtract(sum.latency);
      }
    }
  }

  std::vector<SpanMetric> List() const {
    std::vector<SpanMetric> list;
    list.reserve(totals_.size());
    for (const auto& [key, sum] : totals_) {
      if (sum.calls == 0) continue;
      const auto& [service, operation, kind, step] = key;
      list.push_back({service, operation, kind, step, sum.calls, sum.errors, sum.latency});
    }
    return list;
  }
  std::size_t memory_bytes() const noexcept {
    std::size_t bytes = totals_.size() * 256;
    for (const auto& [key, sum] : totals_) bytes += sum.latency.buckets().size() * 16;
    return bytes;
  }

 private:
  using Key = std::tuple<std::string, std::string, SpanKind, std::uint64_t>;

  static bool SameSeries(const MetricSummary::Cell& a, const MetricSummary::Cell& b) noexcept {
    return a.service == b.service && a.operation == b.operation && a.kind == b.kind;
  }
  std::uint64_t StepOf(std::uint64_t start_ns) const noexcept {
    return query_.step_ns == 0 ? 0 : start_ns - start_ns % query_.step_ns;
  }
  bool Wanted(std::string_view service) const {
    return query_.services.empty() || std::find(query_.services.begin(), query_.services.end(),
                                                service) != query_.services.end();
  }

  SpanMetricsQuery query_;
  std::map<Key, Sum> totals_;
};

// Services are told apart by their lengths, whatever bytes are in their names.
std::string KeyOf(const SpanMetricsQuery& query) {
  std::string key = "metrics " + std::to_string(query.range.begin_ns) + " " +
                    std::to_string(query.range.end_ns) + " " + std::to_string(query.step_ns);
  for (const std::string& service : query.services)
    key.append(" ").append(std::to_string(service.size())).append(":").append(service);
  return key;
}

}  // namespace

Result<std::vector<SpanMetric>> SpanMetrics(const store::SnapshotData& data,
                                            const SpanMetricsQuery& query) {
  TS_TRY_ASSIGN(const auto sealed, TalliedSegments(data, query.range, KeyOf(query),
                                                   MetricTally(query)));
  if (data.head.empty()) return sealed->List();
  MetricTally tally = *sealed;
  TS_TRY(TallyHead(data, query.range, tally));
  return tally.List();
}

}  // namespace tracestore::query
