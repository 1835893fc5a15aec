#include "query_sample.h"

#include <random>

#include "measure.h"

namespace tracestore::bench {

QuerySample TakeSample(const Store& store) {
  QuerySample sample;
  const auto snapshot = store.TakeSnapshot();
  Check(snapshot.has_value(), "snapshot");
  const auto stats = snapshot->Stats(false);
  Check(stats.has_value(), "stats");
  std::mt19937_64 random(7);
  for (int tries = 0; sample.ids.size() < 200 && tries < 5'000; ++tries) {
    Query query;
    const std::uint64_t at = stats->min_start_ns +
                             random() % (stats->max_start_ns - stats->min_start_ns + 1);
    query.trace_start = {0, at};
    query.limit = 20;
    const auto page = snapshot->FindSummaries(query);
    Check(page.has_value(), "sampling");
    for (const TraceSummary& summary : page->summaries) {
      if (summary.span_count < 30 || summary.span_count > 80) continue;
      sample.ids.push_back(summary.trace_id);
      const auto spans = snapshot->Get(summary.trace_id);
      Check(spans.has_value(), "get");
      const SpanView span = (*spans)[random() % spans->size()];
      sample.operations.emplace_back(span.service(), span.name());
      for (std::size_t i = 0; i < spans->size(); ++i) {
        const auto rare = (*spans)[i].attributes().Find(kRareKey);
        if (rare) sample.rare.emplace_back((*spans)[i].service(), rare->string_value());
      }
      break;
    }
  }
  Check(!sample.ids.empty(), "finding traces of 30 to 80 spans");
  return sample;
}

}  // namespace tracestore::bench
